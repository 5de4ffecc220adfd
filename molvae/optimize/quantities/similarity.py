"""Similarity to a known molecule, as a quantity."""

from collections.abc import Callable
from typing import Annotated

from pydantic import AfterValidator
from rdkit import Chem

from molvae.chem.molecules import parse
from molvae.optimize.quantities.base import QUANTITIES, MolQuantity
from molvae.optimize.similarity import FingerprintName, similarity_to
from molvae.section import Section


def _molecule(smiles: str) -> str:
    # RDKit takes what follows a blank for a name, and would compare with a part of what was meant.
    if len(smiles.split()) > 1:
        raise ValueError(f"expected a SMILES and nothing after it, found {smiles!r}")
    if parse(smiles) is None:
        raise ValueError(f"expected a SMILES, found {smiles!r}")
    return smiles


MoleculeText = Annotated[str, AfterValidator(_molecule)]
"""SMILES of a molecule, and nothing after it."""


class SimilarityTarget(Section):
    """The molecule to compare with, and how."""

    to: MoleculeText
    """SMILES of the molecule to compare with."""
    fingerprint: FingerprintName = "ECFP4"
    """ECFP4, ECFP6, FCFP4 and AP count features, unfolded, as in GuacaMol; PHCO is Gobbi's pharmacophore;
    ECFP4_bits is folded to 2,048 bits, for values like those of most other programs."""


@QUANTITIES.register("similarity")
class Similarity(MolQuantity):
    """Tanimoto similarity to a molecule, from 0 to 1."""

    similarity: SimilarityTarget
    """The molecule to compare with, and how."""

    def text(self) -> str:
        """Return the molecule and the fingerprint."""
        return f"similarity to {self.similarity.to}, fingerprint {self.similarity.fingerprint}"

    def in_unit_interval(self) -> bool:
        """Say that it is."""
        return True

    def function(self) -> Callable[[Chem.Mol], float]:
        """Return the function that computes the similarity."""
        reference = parse(self.similarity.to)
        assert reference is not None, "checked with the spec"
        return similarity_to(reference, self.similarity.fingerprint)
