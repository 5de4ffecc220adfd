"""What is computed of the rows of a list in worker processes: molecules, constraints, features and fingerprints."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from molvae.chem.fingerprints import PackedBits, pack_morgan, stack_packed
from molvae.chem.molecules import is_ordinary, parse, why_not_a_molecule
from molvae.chem.quiet import quiet
from molvae.chem.reading import Record, with_structure
from molvae.chem.standardise import standardise
from molvae.optimize.objective import Objective

N_BITS = 2048
"""Bits of the ECFP4 fingerprints that molecules are compared by."""


@dataclass(frozen=True, slots=True)
class Unusable:
    """A row that is not a molecule.

    Attributes:
        line: Its line in the file, from 1.
        input: What it has as SMILES.
        reason: What is wrong with it.
    """

    line: int
    input: str
    reason: str


@dataclass(frozen=True)
class Molecules:
    """The molecules among some rows.

    Attributes:
        at: Positions of their rows, int64 (K,).
        smiles: As the rows have them.
        standard: Canonical SMILES of their standard forms, which tell whether two rows are the same molecule.
        mols: RDKit's molecules of the standard forms.
        unusable: The rows that are not molecules.
    """

    at: NDArray[np.int64]
    smiles: list[str]
    standard: list[str]
    mols: list[Chem.Mol]
    unusable: list[Unusable]

    @property
    def bits(self) -> PackedBits:
        """ECFP4 fingerprints (2,048 bits), packed, uint8 (K, 256)."""
        return stack_packed([pack_morgan(mol, N_BITS) for mol in self.mols], N_BITS)


def read_rows(records: Iterable[Record]) -> Molecules:
    """Parse rows and bring their molecules to standard form."""
    at, smiles, standard, mols, unusable = [], [], [], [], []
    with quiet():
        for position, record in enumerate(map(with_structure, records)):
            form = standardise(record.smiles) if record.smiles and is_ordinary(record.smiles) else None
            if form is None:
                unusable.append(Unusable(record.line, record.smiles, _why_unusable(record)))
                continue
            at.append(position)
            smiles.append(record.smiles)
            standard.append(form.smiles)
            mols.append(form.mol)
    return Molecules(np.array(at, dtype=np.int64), smiles, standard, mols, unusable)


def _why_unusable(record: Record) -> str:
    if not record.smiles:
        return record.problem or "no structure"
    if not is_ordinary(record.smiles):
        return "too large or too many rings to be handled"
    return "no standard form" if parse(record.smiles) is not None else why_not_a_molecule(record.smiles)


def satisfies(objective: Objective | None, smiles: Sequence[str]) -> NDArray[np.bool_]:
    """Say which of N molecules satisfy the constraints of an objective, bool (N,)."""
    if objective is None or not objective.constraints:
        return np.ones(len(smiles), dtype=bool)
    return np.array([not titles for titles in objective.violations(smiles)], dtype=bool).reshape(len(smiles))
