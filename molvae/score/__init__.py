"""The score stage: generated molecules against reference molecules, by the definitions of the MOSES benchmark."""

from molvae.score.reference import Reference
from molvae.score.stage import score

__all__ = ["Reference", "score"]
