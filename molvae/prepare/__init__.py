"""The first stage: molecule files in; standardised, filtered, split molecules with SELFIES out."""

from molvae.prepare.look_over import look_over
from molvae.prepare.stage import prepare, prepare_shard
from molvae.prepare.summary import PrepareSummary

__all__ = ["PrepareSummary", "look_over", "prepare", "prepare_shard"]
