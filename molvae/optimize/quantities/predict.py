"""A property that a trained model predicts from codes, as a quantity."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import model_validator

from molvae.errors import ObjectiveError
from molvae.files import read_json
from molvae.optimize.quantities.base import QUANTITIES, Failure, Measure, Molecule, Quantity, finite
from molvae.section import Name, Section

if TYPE_CHECKING:
    from molvae.model.model import MolVAE


class PredictedProperty(Section):
    """A property of a model's property head; in a file also its name alone."""

    property: Name
    """Name of the property, as in `train.property_head`."""
    model: str | None = None
    """The model: a folder, looked for in that of the objective file and in the working directory, or the name of one
    that comes with molvae; by default the model of the search."""

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, content: Any) -> Any:
        return {"property": content} if isinstance(content, str) else content


@QUANTITIES.register("predict")
class Predict(Quantity):
    """A property that a model's property head predicts: its name, or {property, model}."""

    costly: ClassVar[bool] = True
    example: ClassVar[str] = "predict: pIC50"

    predict: PredictedProperty
    """The property, and the model."""

    def title(self) -> str:
        """Return the property's name."""
        return self.predict.property

    def text(self) -> str:
        """Return what predicts the property."""
        return f"{self.predict.property}, predicted by {self.predict.model or 'the property head of the model'}"

    def with_model(self, model: Path) -> "Predict":
        """Return the quantity with a model for one that names none."""
        if self.predict.model is not None:
            return self
        return Predict(predict=self.predict.model_copy(update={"model": str(model)}))

    def files(self, folder: Path) -> tuple[Path, ...]:
        """Return the files of the model, if it is known which.

        Raises:
            ObjectiveError: If it does not predict the property.
            DataError: If there is no such model.
        """
        if self.predict.model is None:
            return ()
        of_model = self._folder(folder)
        known = [scale["name"] for scale in read_json(of_model / "config.json", ["properties"])["properties"]]
        if self.predict.property not in known:
            raise ObjectiveError(
                f"predict: expected a property that {self.predict.model} predicts ({', '.join(known) or 'none'}), "
                f"found {self.predict.property!r}; train it with train.property_head"
            )
        return of_model / "config.json", of_model / "model.safetensors"

    def measure(self, folder: Path) -> Measure:
        """Return the function that predicts N molecules; one that the model cannot encode fails."""
        if self.predict.model is None:
            raise ObjectiveError(
                f"predict: expected a model that predicts {self.predict.property}, found none; name one, "
                f"predict: {{property: {self.predict.property}, model: FOLDER}}, or search with `molvae optimize`"
            )
        of_model, name = self._folder(folder), self.predict.property

        def predict(molecules: Sequence[Molecule]) -> list[float | Failure]:
            if not molecules:
                return []
            values = _loaded(of_model).predict([molecule.smiles for molecule in molecules])[name]
            # Rounded, so that a value does not depend on which molecules are predicted with it.
            return [
                Failure("the model has no code for it") if value != value else finite(float(f"{value:.4g}"))
                for value in values.tolist()
            ]

        return predict

    def _folder(self, folder: Path) -> Path:
        from molvae.model.shipped import model_folder

        beside = folder / str(self.predict.model)
        return beside if (beside / "config.json").exists() else model_folder(str(self.predict.model))


@lru_cache(maxsize=4)
def _loaded(folder: Path) -> "MolVAE":
    from molvae.model.loading import load

    # On a CPU everywhere, since processes share no GPU.
    return load(folder, "cpu")
