"""From a block of prepared molecules to training data."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from molvae.chem.descriptors import compute_properties
from molvae.chem.quiet import quiet
from molvae.chem.selfies_codec import randomised_selfies, selfies_constraints
from molvae.config import StandardiseConfig
from molvae.nn.tokens import TokenStore
from molvae.seeding import derive_seed
from molvae.tables import MEASURED
from molvae.train.molecules import N_RANDOMISED, Molecules
from molvae.vocabulary import Vocabulary, split_selfies

SPLITS = ("train", "validation")


@dataclass(frozen=True)
class ConversionSpec:
    """What to convert of each molecule.

    Attributes:
        vocabulary: The tokens.
        standardisation: How the molecules were standardised and are written as SELFIES.
        properties: Names of the properties to predict: measured columns, or computed ones.
        randomised: Whether to add randomised SMILES of the training molecules.
        seed: The run's seed.
    """

    vocabulary: Vocabulary
    standardisation: StandardiseConfig
    properties: tuple[str, ...]
    randomised: bool
    seed: int

    @property
    def is_slow(self) -> bool:
        """Whether the conversion is slow enough to be worth several processes."""
        return self.randomised or bool(self.properties)


@dataclass(frozen=True)
class Converted:
    """A converted block.

    Attributes:
        molecules: Its molecules by split.
        max_length: Tokens of the longest of all its molecules, the end token included.
    """

    molecules: dict[str, Molecules]
    max_length: int


def convert(block: pd.DataFrame, spec: ConversionSpec) -> Converted:
    """Convert rows of `molecules.parquet`: selfies, split, and the columns that the spec needs.

    Raises:
        VocabularyError: If a training or validation molecule has an unknown token.
    """
    max_length = max((1 + len(split_selfies(selfies)) for selfies in block["selfies"]), default=0)
    return Converted({split: _molecules(block[block["split"] == split], split, spec) for split in SPLITS}, max_length)


def _molecules(rows: pd.DataFrame, split: str, spec: ConversionSpec) -> Molecules:
    selfies = rows["selfies"].tolist()
    randomised = None
    if spec.randomised and split == "train":
        randomised = TokenStore.from_strings(_randomised(rows["smiles"].tolist(), selfies, spec), spec.vocabulary)
    properties = _properties(rows, spec.properties) if spec.properties else None
    return Molecules(TokenStore.from_strings(selfies, spec.vocabulary), randomised, properties)


def _randomised(smiles: Sequence[str], canonical: Sequence[str], spec: ConversionSpec) -> list[str]:
    """Return the SELFIES of randomised SMILES; the canonical ones where those have a token outside the vocabulary."""
    strings = []
    with quiet(), selfies_constraints(spec.standardisation.selfies_constraints):
        for molecule, fallback in zip(smiles, canonical, strict=True):
            randomised = randomised_selfies(molecule, N_RANDOMISED, derive_seed(spec.seed, f"spellings {molecule}"))
            strings += [string if string and spec.vocabulary.knows(string) else fallback for string in randomised]
    return strings


def _properties(rows: pd.DataFrame, names: Sequence[str]) -> NDArray[np.float32]:
    computed = [name for name in names if MEASURED + name not in rows]
    table = compute_properties(rows["smiles"].tolist(), computed)
    columns = [table[name] if name in computed else rows[MEASURED + name] for name in names]
    return np.stack([column.to_numpy(dtype=np.float32) for column in columns], axis=1)
