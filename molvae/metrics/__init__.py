"""Metrics: what each one is, how it is computed, and how it is written to files."""

from molvae.metrics import definitions as _definitions  # noqa: F401 - fills the registry
