"""From a block of prepared molecules to what a training learns of them."""

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
    """What is asked of each molecule.

    Attributes:
        vocabulary: The tokens.
        standardisation: How the molecules are spelt.
        properties: Names of the properties to predict: measured columns, or computed ones.
        spelt: Whether the training molecules are wanted in other spellings too.
        seed: The run's seed.
    """

    vocabulary: Vocabulary
    standardisation: StandardiseConfig
    properties: tuple[str, ...]
    randomised: bool
    seed: int

    @property
    def is_slow(self) -> bool:
        """Whether a molecule takes much longer than starting a process is worth."""
        return self.randomised or bool(self.properties)


@dataclass(frozen=True)
class Converted:
    """What became of a block.

    Attributes:
        molecules: Its molecules by split.
        longest: Tokens of the longest of all its molecules, the end token included.
    """

    molecules: dict[str, Molecules]
    longest: int


def convert(block: pd.DataFrame, recipe: ConversionSpec) -> Converted:
    """Convert rows of `molecules.parquet`: selfies, split, and what the recipe needs.

    Raises:
        VocabularyError: If a molecule to learn from has an unknown token.
    """
    longest = max((1 + len(split_selfies(each)) for each in block["selfies"]), default=0)
    return Converted({split: _molecules(block[block["split"] == split], split, recipe) for split in SPLITS}, longest)


def _molecules(rows: pd.DataFrame, split: str, recipe: ConversionSpec) -> Molecules:
    selfies = rows["selfies"].tolist()
    randomised = None
    if recipe.randomised and split == "train":
        randomised = TokenStore.from_selfies(_randomised(rows["smiles"].tolist(), selfies, recipe), recipe.vocabulary)
    properties = _properties(rows, recipe.properties) if recipe.properties else None
    return Molecules(TokenStore.from_selfies(selfies, recipe.vocabulary), randomised, properties)


def _randomised(smiles: Sequence[str], canonical: Sequence[str], recipe: ConversionSpec) -> list[str]:
    """Return each molecule from other SMILES; where that needs a token that there is not, in its canonical form."""
    found = []
    with quiet(), selfies_constraints(recipe.standardisation.selfies_constraints):
        for each, fallback in zip(smiles, canonical, strict=True):
            others = randomised_selfies(each, N_RANDOMISED, derive_seed(recipe.seed, f"spellings {each}"))
            found += [other if other and recipe.vocabulary.knows(other) else fallback for other in others]
    return found


def _properties(rows: pd.DataFrame, names: Sequence[str]) -> NDArray[np.float32]:
    computed = [name for name in names if MEASURED + name not in rows]
    table = compute_properties(rows["smiles"].tolist(), computed)
    columns = [table[name] if name in computed else rows[MEASURED + name] for name in names]
    return np.stack([column.to_numpy(dtype=np.float32) for column in columns], axis=1)
