"""The report stage: one HTML page, its figures as files, and the provenance."""

from molvae.report.compare import compare
from molvae.report.page import report

__all__ = ["compare", "report"]
