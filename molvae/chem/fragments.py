"""BRICS fragments: the pieces of a molecule between bonds that common reactions make.

References:
    Degen et al., On the art of compiling and using 'drug-like' chemical fragment spaces, ChemMedChem 2008,
    doi:10.1002/cmdc.200800178.
"""

from rdkit import Chem


def brics_fragments(mol: Chem.Mol) -> list[str]:
    """Cut every BRICS bond of a molecule and return the pieces.

    Returns:
        Canonical SMILES with a numbered dummy atom where a bond was cut, such as `[16*]c1ccccc1`; as often as they
        occur. A molecule without such a bond is its own only fragment, and each component of a salt is cut by itself.
    """
    return Chem.MolToSmiles(Chem.FragmentOnBRICSBonds(mol)).split(".")
