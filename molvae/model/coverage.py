"""Which prepared molecules a trained model can read: those of which it knows all tokens."""

import re
from collections.abc import Collection
from pathlib import Path

from molvae.model.shipped import model_tokens, shipped_models
from molvae.tables import MOLECULES
from molvae.vocabulary import Vocabulary


def unread_text(prepared: Path, vocabulary: Vocabulary, known: Collection[str]) -> str:
    """Return how many prepared molecules a model cannot read and why, such as `12 of 1,017 ([I])`.

    Args:
        prepared: Folder of the prepare stage.
        vocabulary: The tokens of its molecules.
        known: The tokens that the model knows.

    Returns:
        The text; empty if the model reads all of them.
    """
    unknown = [token for token in vocabulary.tokens if token not in known]
    if not unknown:
        return ""
    pattern = "|".join(map(re.escape, unknown))
    n = n_unread = 0
    for block in MOLECULES.read_blocks(prepared / MOLECULES.file, ["selfies"]):
        n += len(block)
        n_unread += int(block["selfies"].str.contains(pattern).sum())
    return f"{n_unread:,} of {n:,} ({', '.join(unknown)})"


def shipped_text(prepared: Path, vocabulary: Vocabulary) -> str:
    """Return which models that come with molvae read all prepared molecules, and what the others lack."""
    unread = {name: unread_text(prepared, vocabulary, model_tokens(path)) for name, path in shipped_models().items()}
    parts = [f"{name} cannot read {text}" if text else f"{name} reads all" for name, text in unread.items()]
    return "; ".join(sorted(parts, key=lambda part: "cannot" in part))
