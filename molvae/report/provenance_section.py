"""Where the numbers of the page come from."""

from collections.abc import Mapping
from typing import Any

import yaml

from molvae.provenance import recorded_sources
from molvae.report.run_data import Run
from molvae.report.sections import Section


def provenance_section(run: Run, provenance: Mapping[str, Any]) -> Section:
    """Return the section of versions, hashes and settings."""
    content = {
        "seed": run.settings.seed,
        "provenance": provenance,
        "sources": recorded_sources(run.folder),
        "settings_yaml": yaml.safe_dump(provenance["config"], sort_keys=False, width=100),
    }
    return Section("provenance", "Provenance", "provenance.html.j2", content)
