"""The prepared molecules as files of what a training learns of them."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from molvae.chem.descriptors import PROPERTIES
from molvae.chem.selfies_codec import selfies_constraints, smiles_to_selfies
from molvae.errors import ConfigError, DataError
from molvae.files import read_json, replacing, write_json
from molvae.model.model import MolVAE
from molvae.nn.property_head import PropertyScale
from molvae.parallel import map_tasks, processes_for
from molvae.provenance import file_sha256
from molvae.seeding import derive_seed, numpy_generator
from molvae.tables import MEASURED, MOLECULES
from molvae.train.convert import SPLITS, ConversionSpec, Converted, convert
from molvae.train.molecules import Molecules, growing_molecules
from molvae.train.start import InitialState

# Validation molecules against which the priors are measured; more would only take longer.
MAX_REFERENCE = 20_000


@dataclass(frozen=True)
class TrainingData:
    """The prepared molecules, as a training needs them.

    Attributes:
        train: Molecules to learn.
        validation: Held-out molecules.
        longest: Tokens of the longest molecule, its end token included.
    """

    train: Molecules
    validation: Molecules
    longest: int


def training_identity(prepared: Path, start: InitialState, seed: int) -> str:
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


def write_data(prepared: Path, folder: Path, start: InitialState, seed: int, identity: str, n_jobs: int = 1) -> None:
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
    randomised = start.config.randomised_input > 0.0
    recipe = ConversionSpec(start.vocabulary, start.standardisation, tuple(units), randomised, seed)
    measured = [MEASURED + name for name in units if name in summary.get("properties", {})]
    blocks = _blocks(prepared, start, measured, n_new, seed)
    n_jobs = processes_for(int(summary["kept"]), n_jobs) if recipe.is_slow else 1
    with replacing(folder) as temporary:
        written = _write(temporary, blocks, recipe, n_jobs)
        for split, n in written.n_molecules.items():
            # Two, because the distance that chooses the prior needs a covariance.
            if n < 2:
                raise DataError(
                    f"{prepared}: expected at least 2 molecules in the {split} split, found {n}; give "
                    "`molvae prepare` more molecules, or a larger prepare.validation_fraction"
                )
        scales = [asdict(scale) for scale in start.scales or written.scales(units)]
        n_added = written.n_molecules["train"] - n_new
        content = {"identity": identity, "n_added": n_added, "longest": written.longest, "scales": scales}
        write_json(temporary / about.name, content)


def open_data(folder: Path) -> TrainingData:
    """Map what `write_data` wrote."""
    about = read_json(folder / "about.json", ["n_added", "longest", "scales"])
    scales = tuple(PropertyScale(**scale) for scale in about["scales"])
    train = Molecules.open(folder / "train", scales, int(about["n_added"]))
    return TrainingData(train, Molecules.open(folder / "validation", scales), int(about["longest"]))


def _blocks(
    prepared: Path, start: InitialState, measured: Sequence[str], n_new: int, seed: int
) -> Iterator[pd.DataFrame]:
    """Yield the prepared molecules, and then those that a model adds which is trained further."""
    columns = ["smiles", "selfies", "split", *measured]
    yield from MOLECULES.read_blocks(prepared / MOLECULES.file, columns)
    if start.base is not None:
        own = replayed(start.base, n_new, start.config.replay, seed).assign(split="train")
        yield own.reindex(columns=columns)


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


def _units(start: InitialState, measured: dict[str, str]) -> dict[str, str]:
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


@dataclass
class _Written:
    """What is known only once all molecules have been seen.

    Attributes:
        n_molecules: Molecules of each split.
        longest: Tokens of the longest molecule, its end token included.
        sums: Number of the values of each property, their sum and their sum of squares, float64 (3, P).
    """

    n_molecules: dict[str, int]
    longest: int
    sums: NDArray[np.float64]

    def add(self, converted: Converted) -> None:
        self.longest = max(self.longest, converted.longest)
        for split, molecules in converted.molecules.items():
            self.n_molecules[split] += len(molecules)
        values = converted.molecules["train"].properties
        if values is not None:
            exact = values.astype(np.float64)
            self.sums += np.stack([np.isfinite(exact).sum(0), np.nansum(exact, 0), np.nansum(exact**2, 0)])

    def scales(self, units: dict[str, str]) -> tuple[PropertyScale, ...]:
        scales = []
        for (name, unit), (n, total, squares) in zip(units.items(), self.sums.T.tolist(), strict=True):
            mean = total / max(n, 1.0)
            std = max(0.0, squares / max(n, 1.0) - mean**2) ** 0.5
            if std <= 1e-6 * abs(mean):
                raise DataError(
                    f"train.property_head.{name}: expected different values of training molecules, found none among "
                    f"{n:.0f} values; leave it out"
                )
            scales.append(PropertyScale(name, unit, mean, std))
        return tuple(scales)


def _write(folder: Path, blocks: Iterable[pd.DataFrame], recipe: ConversionSpec, n_jobs: int) -> _Written:
    """Write what becomes of the molecules, by split."""
    written = _Written(dict.fromkeys(SPLITS, 0), 0, np.zeros((3, len(recipe.properties))))
    with ExitStack() as stack:
        append = {}
        for split in SPLITS:
            randomised = recipe.randomised and split == "train"
            growing = growing_molecules(
                folder / split, recipe.vocabulary, len(recipe.properties), randomised=randomised
            )
            append[split] = stack.enter_context(growing)
        for _, converted in map_tasks(partial(convert, recipe=recipe), blocks, n_jobs):
            for split, molecules in converted.molecules.items():
                append[split](molecules)
            written.add(converted)
    return written


def validation_smiles(prepared: Path, n: int, seed: int) -> list[str]:
    """Return the canonical SMILES of the n validation molecules, or of 20,000 of them drawn at random, in order."""
    rows = range(n) if n <= MAX_REFERENCE else numpy_generator(seed, "reference").permutation(n)[:MAX_REFERENCE]
    wanted = set(map(int, rows))
    smiles: list[str] = []
    n_seen = 0
    for block in MOLECULES.read_blocks(prepared / MOLECULES.file, ["smiles", "split"]):
        held_out = block.loc[block["split"] == "validation", "smiles"].tolist()
        smiles += [each for row, each in enumerate(held_out, n_seen) if row in wanted]
        n_seen += len(held_out)
    return smiles
