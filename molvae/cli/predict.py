"""`molvae predict`."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from molvae.cli.common import (
    DeviceOption,
    IdColumnOption,
    MoleculesArgument,
    OutTable,
    SmilesColumnOption,
    ThreadsOption,
    finite,
    load_model,
)

if TYPE_CHECKING:
    import pandas as pd

CoverageOption = Annotated[
    float,
    typer.Option(
        "--coverage", min=0.01, max=0.99, callback=finite, help="Fraction of values that the intervals cover."
    ),
]


def predict(
    model: Annotated[
        Path,
        typer.Argument(help="Folder that `molvae learn` wrote, or a model (folder or name) with a property head."),
    ],
    molecules: MoleculesArgument,
    out: OutTable = None,
    smiles_column: SmilesColumnOption = None,
    id_column: IdColumnOption = None,
    coverage: CoverageOption = 0.8,
    threads: ThreadsOption = None,
    device: DeviceOption = None,
) -> None:
    """Predict a measured value of molecules.

    Writes all columns of the input. A learned model adds predicted, low and high (the ends of an interval), in_domain
    (near enough to what was measured), nearest (the nearest measured molecule), nearest_value and nearest_similarity; a
    model with a property head adds predicted_NAME for each property. The cells of what is not a molecule are empty.
    """
    from molvae.learned.folder import RECORD
    from molvae.log import logger
    from molvae.molecule_tables import add_columns

    if (model / RECORD).exists():
        from molvae.parallel import set_threads

        n_jobs = set_threads(threads)
        compute = _of_learned(model, coverage)
    else:
        loaded, n_jobs = load_model(model, device, threads)

        def compute(smiles: list[str]) -> "pd.DataFrame":
            return loaded.predict(smiles).add_prefix("predicted_")

    n = add_columns(molecules, out, compute, smiles_column, id_column, n_jobs)
    logger.info("%d molecules", n)


def _of_learned(folder: Path, coverage: float) -> "Callable[[list[str]], pd.DataFrame]":
    """Return the function that predicts N molecules by a learned model."""
    import pandas as pd

    from molvae.learned import load

    learned = load(folder)
    decimals = learned.measurements.decimals
    digits = dict.fromkeys(("predicted", "low", "high", "nearest_value"), decimals) | {"nearest_similarity": 4}

    def compute(smiles: list[str]) -> pd.DataFrame:
        prediction = learned.predict(smiles, coverage)
        is_molecule = pd.Series(prediction.mean).notna()
        return pd.DataFrame(
            {
                "predicted": prediction.mean,
                "low": prediction.low,
                "high": prediction.high,
                "in_domain": pd.Series(prediction.in_domain, dtype="boolean").where(is_molecule),
                "nearest": prediction.nearest,
                "nearest_value": prediction.nearest_value,
                "nearest_similarity": prediction.nearest_similarity,
            }
        ).round(digits)

    return compute
