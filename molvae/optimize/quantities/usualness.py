"""How usual a molecule is, as quantities: against molecules that reach a high score by being odd."""

import math
import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from molvae.chem.reading import read_molecules
from molvae.chem.ring_systems import ring_systems, unseen
from molvae.errors import DataError, ObjectiveError
from molvae.files import read_json
from molvae.optimize.quantities.base import QUANTITIES, Measure, Quantity, finite, per_molecule

if TYPE_CHECKING:
    from collections import Counter

    from molvae.model.model import MolVAE

# Batches of other sizes round differently.
_DECIMALS = 6


@QUANTITIES.register("unseen_rings")
class UnseenRings(Quantity):
    """File of known molecules, e.g. the training set: counts the ring systems that none of them has."""

    example: ClassVar[str] = "unseen_rings: known.smi"
    unseen_rings: str
    """Path of the file, from the objective's folder."""

    def text(self) -> str:
        """Return what is counted."""
        return f"ring systems that no molecule of {self.unseen_rings} has"

    def files(self, folder: Path) -> tuple[Path, ...]:
        """Return the file.

        Raises:
            ObjectiveError: If there is none.
        """
        file = Path(os.path.normpath(folder / self.unseen_rings))
        if not file.is_file():
            raise ObjectiveError(f"unseen_rings: expected a file of known molecules, found none at {file}")
        return (file,)

    def measure(self, folder: Path) -> Measure:
        """Return the function that counts the ring systems."""
        [file] = self.files(folder)
        known = _ring_systems_of(file)
        return per_molecule(lambda mol: float(len(unseen(ring_systems(mol), known))))


@QUANTITIES.register("likelihood")
class Likelihood(Quantity):
    """Name or folder of a trained model: its probability of the molecule per token, from 0 to 1 (geometric mean)."""

    costly: ClassVar[bool] = True
    example: ClassVar[str] = "likelihood: moses"

    likelihood: str
    """A folder that `molvae train` wrote, from the objective's folder, or the name of a model that comes with molvae;
    one that was trained with code dropout."""

    def text(self) -> str:
        """Return whose likelihood it is."""
        return f"likelihood per token under the model {self.likelihood}"

    def in_unit_interval(self) -> bool:
        """Say that it is."""
        return True

    def files(self, folder: Path) -> tuple[Path, ...]:
        """Return the files of the model, if it does not come with molvae.

        Raises:
            ObjectiveError: If there is no such model, or it was not trained with code dropout.
            DataError: If its config cannot be read.
        """
        from molvae.model.shipped import shipped_models
        from molvae.provenance import MODEL_FILES

        home = _home(self.likelihood, folder)
        if not read_json(home / "config.json", ["training"])["training"].get("code_dropout"):
            raise ObjectiveError(
                f"likelihood: expected a model trained with train.code_dropout above 0, found {self.likelihood} without"
            )
        return () if home in shipped_models().values() else tuple(home / file for file in MODEL_FILES)

    def measure(self, folder: Path) -> Measure:
        """Return the function that computes the likelihood."""
        model = _model(_home(self.likelihood, folder))
        return lambda molecules: [
            finite(round(math.exp(-nll), _DECIMALS))
            for nll in model.anomaly_score([molecule.smiles for molecule in molecules])
        ]


def _home(model: str, folder: Path) -> Path:
    from molvae.model.shipped import model_folder

    own = folder / model
    try:
        return own if (own / "config.json").exists() else model_folder(model)
    except DataError as error:
        raise ObjectiveError(f"likelihood: {error}") from error


@cache
def _model(home: Path) -> "MolVAE":
    # Loads torch, for which not every use of an objective should wait.
    from molvae.model.loading import load

    return load(home, "cpu")


@cache
def _ring_systems_of(file: Path) -> "Counter[str]":
    from molvae.metrics.known_rings import known_ring_systems

    return known_ring_systems([record.smiles for record in read_molecules(file) if record.smiles], 1)
