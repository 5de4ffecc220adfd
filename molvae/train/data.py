"""The prepared molecules as files of training data."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from molvae.chem.descriptors import PROPERTIES
from molvae.chem.selfies_codec import selfies_constraints, smiles_to_selfies
from molvae.errors import ConfigError, DataError
from molvae.files import BLOCK_ROWS, file_sha256, read_json, write_json
from molvae.folders import CHECKSUMS, is_whole, replacing_files, seal
from molvae.log import logger
from molvae.model.model import MODEL_FILES, MolVAE
from molvae.model.shipped import model_folder
from molvae.nn.property_head import PropertyScale
from molvae.nn.tokens import STORE_FILES
from molvae.parallel import map_tasks, processes_for
from molvae.provenance import software
from molvae.seeding import derive_seed, numpy_generator
from molvae.tables import MEASURED, MOLECULES
from molvae.train.convert import SPLITS, ConversionSpec, Converted, convert
from molvae.train.molecules import MOLECULES_FILES, Molecules, growing_molecules
from molvae.train.start import InitialState

# Validation molecules that the priors are compared with; more would only take longer.
MAX_REFERENCE = 20_000

_ABOUT = "about.json"
DATA_FILES = (
    *(f"{split}{name}" for split in SPLITS for name in ("", *(f"/{file}" for file in MOLECULES_FILES))),
    _ABOUT,
    CHECKSUMS,
)
"""What `write_data` writes, folders and files."""


@dataclass(frozen=True)
class TrainingData:
    """The training data.

    Attributes:
        train: Training molecules.
        validation: Held-out molecules.
        max_length: Tokens of the longest molecule, its end token included.
    """

    train: Molecules
    validation: Molecules
    max_length: int


def training_identity(prepared: Path, start: InitialState, seed: int) -> str:
    """Return a hash of everything that determines the weights, so that no other training's files are used.

    Raises:
        DataError: If there are no prepared molecules, or a file of the model that is trained further is missing.
    """
    molecules = file_sha256(prepared / MOLECULES.file)
    settings = json.dumps(
        [start.config.model_dump(exclude={"max_minutes"}), start.vocabulary.tokens, seed, molecules, software()]
    )
    digest = hashlib.sha256(settings.encode())
    for weights in start.vae.state_dict().values():
        digest.update(weights.numpy().tobytes())
    if start.config.init_from is not None:
        # Its priors and how it samples determine the replayed molecules.
        folder = model_folder(start.config.init_from)
        digest.update("".join(file_sha256(folder / name) for name in MODEL_FILES).encode())
    return digest.hexdigest()


def write_data(prepared: Path, folder: Path, start: InitialState, seed: int, identity: str, n_jobs: int = 1) -> None:
    """Write the training data block by block, unless the folder contains it already.

    A model that is trained further adds generated molecules to the training split.

    Args:
        prepared: Folder of the prepare stage.
        folder: Folder to write.
        start: Networks, vocabulary and settings.
        seed: The run's seed.
        identity: Identity of the training (see `training_identity`).
        n_jobs: Processes for properties and randomised SMILES.

    Raises:
        ConfigError: If a property of the head is unknown, or has another unit than the head that is kept.
        DataError: If a split has fewer than 2 molecules, or a property has no two values.
        VocabularyError: If a molecule has an unknown token.
    """
    if is_whole(folder, [_ABOUT, *(f"{split}/{name}" for split in SPLITS for name in STORE_FILES)]):
        if read_json(folder / _ABOUT)["identity"] == identity:
            return
    elif folder.exists():
        logger.warning("%s: expected the files of an earlier run, found damaged ones; recomputing them", folder)
    summary = read_json(prepared / "summary.json", ["kept", "splits"])
    n_new = int(summary["splits"]["train"])
    units = _units(start, {name: column["unit"] for name, column in summary.get("properties", {}).items()})
    randomised = start.config.randomised_input > 0.0
    spec = ConversionSpec(start.vocabulary, start.standardisation, tuple(units), randomised, seed)
    measured = [MEASURED + name for name in units if name in summary.get("properties", {})]
    blocks = _blocks(prepared, start, measured, n_new, seed)
    n_jobs = processes_for(int(summary["kept"]), n_jobs) if spec.is_slow else 1
    with replacing_files(folder, DATA_FILES) as temporary:
        totals = _write(temporary, blocks, spec, n_jobs)
        for split, n in totals.n_molecules.items():
            # Two, because the FCD that chooses the prior needs a covariance.
            if n < 2:
                raise DataError(
                    f"{prepared}: expected at least 2 molecules in the {split} split, found {n}; give "
                    "`molvae prepare` more molecules, or a larger prepare.validation_fraction"
                )
        own_scales = totals.scales(units)
        scales = [asdict(scale) for scale in start.scales or own_scales]
        n_added = totals.n_molecules["train"] - n_new
        content = {"identity": identity, "n_added": n_added, "max_length": totals.max_length, "scales": scales}
        write_json(temporary / _ABOUT, content)
        seal(temporary)


def open_data(folder: Path) -> TrainingData:
    """Memory-map what `write_data` wrote."""
    about = read_json(folder / _ABOUT, ["n_added", "max_length", "scales"])
    scales = tuple(PropertyScale(**scale) for scale in about["scales"])
    train = Molecules.open(folder / "train", scales, int(about["n_added"]))
    return TrainingData(train, Molecules.open(folder / "validation", scales), int(about["max_length"]))


def _blocks(
    prepared: Path, start: InitialState, measured: Sequence[str], n_new: int, seed: int
) -> Iterator[pd.DataFrame]:
    """Yield the prepared molecules, followed by those that a model to be trained further generates."""
    columns = ["smiles", "selfies", "split", *measured]
    yield from MOLECULES.read_blocks(prepared / MOLECULES.file, columns)
    if start.base is not None:
        for own in replayed(start.base, n_new, start.config.replay, seed):
            yield own.assign(split="train").reindex(columns=columns)


def replayed(base: MolVAE, n_new: int, fraction: float, seed: int) -> Iterator[pd.DataFrame]:
    """Yield blocks of molecules sampled from a model, smiles and selfies: this fraction of them and `n_new` new ones.

    Trained on new molecules only, a network would forget the old ones. Its own samples represent these, so that neither
    the old training set nor a penalty on the weights is needed. They are not corrected by a discriminator, which would
    take longer than the training itself.

    References:
        Shin et al., Continual learning with deep generative replay, NeurIPS 2017, arXiv:1705.08690.
    """
    n = round(n_new * fraction / (1.0 - fraction))
    best = base.training.best_trial(base.generation.prior, corrected=False)
    sampled = base.iter_samples(n, derive_seed(seed, "replay"), params=best.params) if n else iter(())
    while block := list(islice(sampled, BLOCK_ROWS)):
        with selfies_constraints(base.standardisation.selfies_constraints):
            rows = [(smiles, smiles_to_selfies(smiles)) for smiles in block if smiles is not None]
        known = [(smiles, text) for smiles, text in rows if text is not None and base.vocabulary.knows(text)]
        yield pd.DataFrame(known, columns=["smiles", "selfies"])


def _units(start: InitialState, measured: dict[str, str]) -> dict[str, str]:
    """Return the units of the head's properties; a measured column takes precedence over a computed property."""
    units = {}
    for name in start.config.property_head:
        if name not in measured and name not in PROPERTIES:
            raise ConfigError(
                f"train.property_head.{name}: expected a measured column of the prepared molecules "
                f"({', '.join(measured) or 'they have none'}) or a computed property ({', '.join(PROPERTIES)}), found "
                "neither"
            )
        units[name] = measured[name] if name in measured else PROPERTIES[name].unit
    for scale in start.scales:
        if units[scale.name] != scale.unit:
            raise ConfigError(
                f"train.property_head.{scale.name}: expected values in {scale.unit!r}, as of the head of "
                f"train.init_from, found values in {units[scale.name]!r}; convert the column, or rename it to train a "
                "new head"
            )
    return units


@dataclass
class _Totals:
    """Totals over all blocks.

    Attributes:
        n_molecules: Molecules of each split.
        max_length: Tokens of the longest molecule, its end token included.
        sums: Number of the values of each property, their sum and their sum of squares, float64 (3, P).
    """

    n_molecules: dict[str, int]
    max_length: int
    sums: NDArray[np.float64]

    def add(self, converted: Converted) -> None:
        self.max_length = max(self.max_length, converted.max_length)
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


def _write(folder: Path, blocks: Iterable[pd.DataFrame], spec: ConversionSpec, n_jobs: int) -> _Totals:
    """Convert the molecules and write them by split."""
    totals = _Totals(dict.fromkeys(SPLITS, 0), 0, np.zeros((3, len(spec.properties))))
    with ExitStack() as stack:
        append = {}
        for split in SPLITS:
            randomised = spec.randomised and split == "train"
            growing = growing_molecules(folder / split, spec.vocabulary, len(spec.properties), randomised=randomised)
            append[split] = stack.enter_context(growing)
        for _, converted in map_tasks(partial(convert, spec=spec), blocks, n_jobs):
            for split, molecules in converted.molecules.items():
                append[split](molecules)
            totals.add(converted)
    return totals


def validation_smiles(prepared: Path, n: int, seed: int) -> list[str]:
    """Return the canonical SMILES of the n validation molecules, or of 20,000 of them drawn at random, in order."""
    rows = range(n) if n <= MAX_REFERENCE else numpy_generator(seed, "reference").permutation(n)[:MAX_REFERENCE]
    chosen = set(map(int, rows))
    smiles: list[str] = []
    n_seen = 0
    for block in MOLECULES.read_blocks(prepared / MOLECULES.file, ["smiles", "split"]):
        held_out = block.loc[block["split"] == "validation", "smiles"].tolist()
        smiles += [molecule for row, molecule in enumerate(held_out, n_seen) if row in chosen]
        n_seen += len(held_out)
    return smiles
