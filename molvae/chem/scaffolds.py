"""Bemis-Murcko scaffolds: the ring systems of a molecule and the chains between them.

References:
    Bemis and Murcko, The properties of known drugs. 1. Molecular frameworks, Journal of Medicinal Chemistry 1996,
    doi:10.1021/jm9602928.
"""

from rdkit import Chem


def murcko_scaffold(mol: Chem.Mol, *, stereo: bool = False) -> str:
    """Return the scaffold of a molecule as canonical SMILES, without stereochemistry by default.

    As in RDKit, atoms bound to the scaffold by a double bond (C=O) belong to it, unlike in the paper's definition.

    Returns:
        The scaffold; empty for a molecule without rings.
    """
    return Chem.MolToSmiles(Chem.MurckoDecompose(mol), isomericSmiles=stereo)
