"""The first stage: molecule files in; standardised, filtered, split molecules with SELFIES out."""

from molvae.prepare.preview import preview
from molvae.prepare.stage import prepare, prepare_shard
from molvae.prepare.summary import PrepareSummary

__all__ = ["PrepareSummary", "prepare", "prepare_shard", "preview"]
