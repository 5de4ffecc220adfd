"""Where results come from: software, settings, seeds, and hashes of what was read and written."""

import contextlib
import hashlib
import json
import os
import platform
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import yaml

import molvae
from molvae.config import WHOLE_RUN, RunConfig, parse_config
from molvae.errors import ConfigError, DataError
from molvae.files import file_sha256
from molvae.inputs import expand
from molvae.validation import RENAMED
from molvae.version import __version__

PACKAGES = (
    "torch",
    "rdkit",
    "selfies",
    "fcd",
    "numpy",
    "scipy",
    "pandas",
    "pyarrow",
    "scikit-learn",
    "safetensors",
    "pydantic",
    "altair",
    "snakemake",
)
"""Packages whose versions may change a result."""

# Files about the results, not part of them: the reports, and logs with their times.
_ABOUT = {"report", "report.html", "provenance.json", "snakemake.html", "logs", "benchmarks"}


@cache
def source_digest() -> str:
    """Return the SHA-256 of the package's Python files, names and contents, as it is installed now."""
    folder = Path(molvae.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(f"{path.relative_to(folder).as_posix()}\0".encode())
        digest.update(path.read_bytes())
        digest.update(b"\0")
    return digest.hexdigest()


def software() -> dict[str, str]:
    """Return molvae's version and source digest, as a stage records them beside its results."""
    return {"molvae": __version__, "source": source_digest()}


def recorded_sources(run_folder: Path) -> dict[str, str]:
    """Return the source digests that the stages of a run recorded (see `software`), by file.

    Stages that recorded none are left out.
    """
    sources = {}
    for path in sorted(run_folder.rglob("*.json")):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        recorded = content.get("software") if isinstance(content, dict) else None
        if isinstance(recorded, dict) and "source" in recorded:
            sources[path.relative_to(run_folder).as_posix()] = str(recorded["source"])
    return sources


def versions() -> dict[str, str]:
    """Return the versions of Python, molvae and the packages that may change a result, those installed."""
    installed = {"python": platform.python_version(), "molvae": __version__}
    for package in PACKAGES:
        try:
            installed[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return installed


def settings_of(run_folder: Path, config: RunConfig) -> RunConfig:
    """Return the settings that the stages of a run used.

    The workflow records the settings of each stage in `config/<stage>.yaml` under the run's folder. They override
    `config`, since the results were made with them; only the section of the report is taken from `config`.

    Raises:
        ConfigError: If a recorded file is no longer a valid configuration.
    """
    content = config.model_dump(mode="json")
    for stage in (stage for stage in content if stage not in (*WHOLE_RUN, "report")):
        path = run_folder / "config" / f"{stage}.yaml"
        if not path.exists():
            continue
        try:
            recorded = yaml.safe_load(path.read_text(encoding="utf-8"))
            content[stage] = {**content[stage], **_renamed(stage, recorded[stage])}
            content.update({key: recorded[key] for key in WHOLE_RUN})
        except (UnicodeDecodeError, yaml.YAMLError, AttributeError, TypeError, KeyError) as error:
            raise ConfigError(
                f"{path}: expected the keys {', '.join(WHOLE_RUN)} and {stage}, found something else; "
                "run the workflow again"
            ) from error
    return parse_config(content, str(run_folder / "config"))


def _renamed(stage: str, recorded: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of a stage under the names that they have now."""
    return {
        RENAMED.get(f"{stage}.{name}", name).removeprefix(f"{stage}."): setting for name, setting in recorded.items()
    }


def gather(run_folder: Path, config: RunConfig) -> dict[str, Any]:
    """Collect what is needed to reproduce the results of a run, or to check that they are the same.

    It does not depend on the time, so that the same results have the same provenance on one machine.

    Args:
        run_folder: The run's folder, `results/<run>`.
        config: The settings that its stages used (see `settings_of`).

    Returns:
        The run's name and seed, versions, source digest, machine, hashes of inputs and outputs, and all settings.
    """
    files = sorted(_outputs(run_folder))
    return {
        "run": config.run,
        "seed": config.seed,
        "versions": versions(),
        "source": source_digest(),
        "machine": {
            "system": f"{platform.system()} {platform.release()}",
            "architecture": platform.machine(),
            "cores": os.cpu_count(),
        },
        "inputs": {name: _described(Path(name)) for name in _input_names(config)},
        "outputs": {path.relative_to(run_folder).as_posix(): _described(path) for path in files},
        "config": config.model_dump(mode="json"),
    }


def _input_names(config: RunConfig) -> list[str]:
    patterns = [*config.prepare.input, *([config.prepare.test_input] if config.prepare.test_input else [])]
    with contextlib.suppress(DataError):
        # The files of a pattern may be gone by now, as a file may.
        patterns = [str(path) for path in expand(patterns)]
    return patterns + [name for name in config.optimize.objectives if Path(name).suffix in {".yaml", ".yml"}]


def _outputs(run_folder: Path) -> Iterator[Path]:
    for path in run_folder.rglob("*"):
        parts = path.relative_to(run_folder).parts
        unfinished = "resume" in parts or any(part.startswith(".") for part in parts)
        if path.is_file() and parts[0] not in _ABOUT and not unfinished:
            yield path


def _described(path: Path) -> dict[str, Any]:
    """Return a file's size and hash; None if it no longer exists."""
    if not path.is_file():
        return {"bytes": None, "sha256": None}
    return {"bytes": path.stat().st_size, "sha256": file_sha256(path)}
