"""What the train stage learns from: the prepared molecules as files that are mapped into memory."""

import hashlib
import json
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from molvae.chem.vocabulary import Vocabulary, split_selfies
from molvae.config import TrainConfig
from molvae.errors import DataError
from molvae.files import read_blocks, read_json, replacing, write_json
from molvae.nn.tokens import TokenStore, growing_store
from molvae.provenance import file_sha256
from molvae.seeding import numpy_generator

LEARNED_SPLITS = ("train", "validation")
# Validation molecules against which the priors are measured; more would only take longer.
MOST_REFERENCE = 20_000


@dataclass(frozen=True)
class TrainingData:
    """The prepared molecules, as a training needs them.

    Attributes:
        train: Molecules to learn.
        validation: Held-out molecules.
        longest: Tokens of the longest prepared molecule, its end token included.
    """

    train: TokenStore
    validation: TokenStore
    longest: int


def training_identity(prepared: Path, vocabulary: Vocabulary, config: TrainConfig, seed: int) -> str:
    """Return a hash of all that decides the weights: what another training left behind is not used.

    Raises:
        DataError: If there are no prepared molecules.
    """
    molecules = file_sha256(prepared / "molecules.parquet")
    return hashlib.sha256(json.dumps([config.model_dump(), vocabulary.tokens, seed, molecules]).encode()).hexdigest()


def write_data(prepared: Path, folder: Path, vocabulary: Vocabulary, identity: str) -> None:
    """Write the prepared molecules block by block as token ids, unless the folder holds them already.

    Args:
        prepared: Folder of the prepare stage.
        folder: Folder to write.
        vocabulary: The tokens.
        identity: Of the training that they are for.

    Raises:
        DataError: If a split to learn from has fewer than 2 molecules.
        VocabularyError: If a molecule has an unknown token.
    """
    about = folder / "about.json"
    if about.exists() and read_json(about, ["identity"])["identity"] == identity:
        return
    longest = 0
    n_molecules = dict.fromkeys(LEARNED_SPLITS, 0)
    with replacing(folder) as temporary:
        with ExitStack() as stack:
            append = {
                split: stack.enter_context(growing_store(temporary / split, vocabulary)) for split in LEARNED_SPLITS
            }
            for block in read_blocks(prepared / "molecules.parquet", ["selfies", "split"]):
                longest = max([longest, *(1 + len(split_selfies(each)) for each in block["selfies"])])
                for split in LEARNED_SPLITS:
                    added = append[split](block.loc[block["split"] == split, "selfies"].tolist())
                    n_molecules[split] += len(added)
        for split, n in n_molecules.items():
            # Two, because the distance that chooses the prior needs a covariance.
            if n < 2:
                raise DataError(
                    f"{prepared}: expected at least 2 molecules in the {split} split, found {n}; give "
                    "`molvae prepare` more molecules, or a larger prepare.validation_fraction"
                )
        write_json(temporary / about.name, {"identity": identity, "longest": longest})


def open_data(folder: Path) -> TrainingData:
    """Map what `write_data` wrote."""
    longest = int(read_json(folder / "about.json", ["longest"])["longest"])
    return TrainingData(TokenStore.open(folder / "train"), TokenStore.open(folder / "validation"), longest)


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
