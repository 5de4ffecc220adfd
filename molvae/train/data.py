"""The prepared molecules as files of what a training learns of them."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from molvae.chem.descriptors import PROPERTIES
from molvae.chem.parallel import map_tasks, processes_for
from molvae.chem.selfies_codec import selfies_constraints, smiles_to_selfies
from molvae.errors import ConfigError, DataError
from molvae.files import read_blocks, read_json, replacing, write_json
from molvae.model import MolVAE
from molvae.nn.property_head import PropertyScale
from molvae.provenance import file_sha256
from molvae.seeding import derive_seed, numpy_generator
from molvae.train.convert import MEASURED, SPLITS, Recipe, convert
from molvae.train.molecules import Molecules, growing_molecules
from molvae.train.start import Start

# Validation molecules against which the priors are measured; more would only take longer.
MOST_REFERENCE = 20_000


@dataclass(frozen=True)
class TrainingData:
    """The prepared molecules, as a training needs them.

    Attributes:
        train: Molecules to learn.
        validation: Held-out molecules.
        n_new: How many of those to learn, the first ones, are prepared molecules; the rest was added by a model.
        longest: Tokens of the longest molecule, its end token included.
    """

    train: Molecules
    validation: Molecules
    n_new: int
    longest: int


def training_identity(prepared: Path, start: Start, seed: int) -> str:
    """Return a hash of all that decides the weights: what another training left behind is not used.

    Raises:
        DataError: If there are no prepared molecules.
    """
    molecules = file_sha256(prepared / "molecules.parquet")
    settings = json.dumps([start.config.model_dump(), start.vocabulary.tokens, seed, molecules])
    digest = hashlib.sha256(settings.encode())
    for weights in start.vae.state_dict().values():
        digest.update(weights.numpy().tobytes())
    return digest.hexdigest()


def write_data(prepared: Path, folder: Path, start: Start, seed: int, identity: str, n_jobs: int = 1) -> None:
    """Write what there is to learn block by block, unless the folder holds it already.

    A model that is trained further adds molecules of its own to those to learn.

    Args:
        prepared: Folder of the prepare stage.
        folder: Folder to write.
        start: Networks, tokens and settings.
        seed: The run's seed.
        identity: Of the training that it is for.
        n_jobs: Processes for properties and other spellings.

    Raises:
        ConfigError: If a property of the head is unknown.
        DataError: If a split to learn from has fewer than 2 molecules, or a property has no two values.
        VocabularyError: If a molecule has an unknown token.
    """
    about = folder / "about.json"
    if about.exists() and read_json(about, ["identity"])["identity"] == identity:
        return
    summary = read_json(prepared / "summary.json", ["kept", "splits"])
    n_new = int(summary["splits"]["train"])
    units = _units(start, {name: each["unit"] for name, each in summary.get("properties", {}).items()})
    recipe = Recipe(start.vocabulary, start.standardisation, tuple(units), start.config.randomised_input > 0.0, seed)
    n_jobs = processes_for(int(summary["kept"]), n_jobs) if recipe.is_slow else 1
    statistics = _Statistics(len(units))
    longest = 0
    n_molecules = dict.fromkeys(SPLITS, 0)
    with replacing(folder) as temporary:
        with ExitStack() as stack:
            append = {
                split: stack.enter_context(
                    growing_molecules(
                        temporary / split, start.vocabulary, len(units), spelt=recipe.spelt and split == "train"
                    )
                )
                for split in SPLITS
            }
            measured = [MEASURED + name for name in summary.get("properties", {})]
            blocks = _blocks(prepared, start, measured, n_new, seed)
            for _, converted in map_tasks(partial(convert, recipe=recipe), blocks, n_jobs):
                longest = max(longest, converted.longest)
                for split, molecules in converted.molecules.items():
                    append[split](molecules)
                    n_molecules[split] += len(molecules)
                statistics.add(converted.molecules["train"].properties)
        for split, n in n_molecules.items():
            # Two, because the distance that chooses the prior needs a covariance.
            if n < 2:
                raise DataError(
                    f"{prepared}: expected at least 2 molecules in the {split} split, found {n}; give "
                    "`molvae prepare` more molecules, or a larger prepare.validation_fraction"
                )
        scales = start.scales or statistics.scales(units)
        content = {
            "identity": identity,
            "n_new": n_new,
            "longest": longest,
            "scales": [asdict(scale) for scale in scales],
        }
        write_json(temporary / about.name, content)


def open_data(folder: Path) -> TrainingData:
    """Map what `write_data` wrote."""
    about = read_json(folder / "about.json", ["n_new", "longest", "scales"])
    scales = tuple(PropertyScale(**scale) for scale in about["scales"])
    train, validation = (Molecules.open(folder / split, scales) for split in SPLITS)
    return TrainingData(train, validation, int(about["n_new"]), int(about["longest"]))


def _blocks(prepared: Path, start: Start, measured: Sequence[str], n_new: int, seed: int) -> Iterator[pd.DataFrame]:
    """Yield the prepared molecules, and then those that a model adds which is trained further."""
    columns = ["smiles", "selfies", "split"]
    wanted = [name for name in measured if name.removeprefix(MEASURED) in start.config.property_head]
    yield from read_blocks(prepared / "molecules.parquet", [*columns, *wanted])
    if start.base is not None:
        own = replayed(start.base, n_new, start.config.replay, seed).assign(split="train")
        yield own.reindex(columns=[*columns, *wanted])


def replayed(base: MolVAE, n_new: int, share: float, seed: int) -> pd.DataFrame:
    """Return molecules that a model writes, smiles and selfies: that share of them and `n_new` new ones together.

    Learning only new molecules would make a network forget the old ones. Its own samples stand for these, so that
    neither they nor a penalty on the weights are needed.

    References:
        Shin et al., Continual learning with deep generative replay, NeurIPS 2017, arXiv:1705.08690.
    """
    n = round(n_new * share / (1.0 - share))
    sampled = base.sample(n, derive_seed(seed, "replay")) if n else []
    with selfies_constraints(base.standardisation.selfies_constraints):
        rows = [(smiles, smiles_to_selfies(smiles)) for smiles in sampled if smiles is not None]
    known = [(smiles, selfies) for smiles, selfies in rows if selfies is not None and base.vocabulary.knows(selfies)]
    return pd.DataFrame(known, columns=["smiles", "selfies"])


def _units(start: Start, measured: dict[str, str]) -> dict[str, str]:
    """Return the units of the properties of the head; a measured column comes before a computed one of its name."""
    units = {}
    for name in start.config.property_head:
        if name not in measured and name not in PROPERTIES:
            raise ConfigError(
                f"train.property_head.{name}: expected a measured column of the prepared molecules "
                f"({', '.join(measured) or 'they have none'}) or a computed property ({', '.join(PROPERTIES)}), found "
                "neither"
            )
        units[name] = measured[name] if name in measured else PROPERTIES[name].unit
    return units


class _Statistics:
    """Mean and standard deviation of each property, of values that come in pieces."""

    def __init__(self, n_properties: int) -> None:
        self._sums = np.zeros((3, n_properties))

    def add(self, values: NDArray[np.float32] | None) -> None:
        if values is not None:
            exact = values.astype(np.float64)
            self._sums += np.stack([np.isfinite(exact).sum(0), np.nansum(exact, 0), np.nansum(exact**2, 0)])

    def scales(self, units: dict[str, str]) -> tuple[PropertyScale, ...]:
        scales = []
        for (name, unit), (n, total, squares) in zip(units.items(), self._sums.T.tolist(), strict=True):
            mean = total / max(n, 1.0)
            std = max(0.0, squares / max(n, 1.0) - mean**2) ** 0.5
            if std <= 1e-6 * abs(mean):
                raise DataError(
                    f"train.property_head.{name}: expected different values of training molecules, found none among "
                    f"{n:.0f} values; leave it out"
                )
            scales.append(PropertyScale(name, unit, mean, std))
        return tuple(scales)


def validation_smiles(prepared: Path, n: int, seed: int) -> list[str]:
    """Return the canonical SMILES of the n validation molecules, or of 20,000 of them drawn at random, in order."""
    rows = range(n) if n <= MOST_REFERENCE else numpy_generator(seed, "reference").permutation(n)[:MOST_REFERENCE]
    wanted = set(map(int, rows))
    smiles: list[str] = []
    n_seen = 0
    for block in read_blocks(prepared / "molecules.parquet", ["smiles", "split"]):
        held_out = block.loc[block["split"] == "validation", "smiles"].tolist()
        smiles += [each for row, each in enumerate(held_out, n_seen) if row in wanted]
        n_seen += len(held_out)
    return smiles
