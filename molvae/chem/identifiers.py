"""Names for molecules that have none."""

import base64
import hashlib

_LENGTH = 10


def molecule_id(smiles: str) -> str:
    """Return a short name that a molecule has in every run, such as `MV-K5ZQ2DM7AB`.

    Args:
        smiles: Canonical SMILES, from whose SHA-256 the name is made: 50 bits, so that two of a million molecules
            share one with a probability of 0.05 %.
    """
    digest = base64.b32encode(hashlib.sha256(smiles.encode()).digest()).decode()
    return f"MV-{digest[:_LENGTH]}"
