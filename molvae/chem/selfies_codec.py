"""Between SMILES and SELFIES.

References:
    Krenn et al., Self-referencing embedded strings (SELFIES), Machine Learning: Science and Technology 2020,
    doi:10.1088/2632-2153/aba947.
"""

import selfies

from molvae.chem.molecules import canonical_smiles


def smiles_to_selfies(smiles: str) -> str | None:
    """Return the SELFIES of a SMILES, or None if it has none.

    Not every molecule has one: SELFIES bounds the valence of each element, and has no placeholder atoms.
    """
    try:
        return str(selfies.encoder(smiles)) or None
    # The library descends once for each branch within a branch.
    except (selfies.EncoderError, RecursionError):
        return None


def selfies_to_smiles(text: str) -> str | None:
    """Return the canonical SMILES that a SELFIES string stands for, or None if it stands for no molecule.

    A string of known tokens in any order stands for a molecule, unless nothing is left of it: branch and ring tokens
    at the start, for one, have nothing to hang on.
    """
    try:
        decoded = selfies.decoder(text)
    except (selfies.DecoderError, RecursionError):
        return None
    return canonical_smiles(decoded) if decoded else None
