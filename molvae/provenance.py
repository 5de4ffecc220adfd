"""Where results come from: software, settings, seeds, and hashes of what was read and written."""

import contextlib
import hashlib
import os
import platform
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import yaml

import molvae
from molvae.config import WHOLE_RUN, RunConfig, parse_config
from molvae.errors import ConfigError, DataError
from molvae.files import file_sha256
from molvae.inputs import expand, is_input, objective_name, shown
from molvae.log import logger
from molvae.untrusted import parse_json, parse_yaml, read_utf8
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

# How Snakemake writes what it could not measure, because the job was too short.
_NONE = {"-", "NA", "nan"}

PROVENANCE = "provenance.json"
MODEL_FILES = ("config.json", "model.safetensors", "vocabulary.json")

Record = dict[str, Any]
"""The `bytes` and the `sha256` of a file."""
_NOTHING: Record = {"bytes": None, "sha256": None}

ABOUT = {"report", "report.html", PROVENANCE, "snakemake.html", "logs", "benchmarks"}
"""Files about the results, not part of them: the reports, and logs with their times."""


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
    """Return molvae's version and source digest."""
    return {"molvae": __version__, "source": source_digest()}


def machine() -> dict[str, Any]:
    """Return the system, architecture, cores and GPUs of the machine that this process runs on; it has no name."""
    return {
        "system": f"{platform.system()} {platform.release()}",
        "architecture": platform.machine(),
        "cores": os.cpu_count(),
        "gpus": _gpus(),
    }


def made_by(device: object = None) -> dict[str, Any]:
    """Return what a stage records with its results: the `software`, and the `machine` with the device, if it has one.

    The stages of one run may run on different machines.
    """
    return {"software": software(), "machine": machine() | ({} if device is None else {"device": str(device)})}


def recorded_sources(run_folder: Path) -> dict[str, str]:
    """Return the source digests that the stages of a run recorded (see `software`), by file.

    Stages that recorded none are left out.
    """
    sources: dict[str, str] = {}
    for name, content in _records(run_folder):
        earlier = content.get("earlier_software")
        records = [(name, content.get("software"))]
        records += [(f"{name}, earlier", record) for record in (earlier if isinstance(earlier, list) else [])]
        sources |= {key: str(r["source"]) for key, r in records if isinstance(r, dict) and "source" in r}
    return sources


def recorded_machines(run_folder: Path) -> dict[str, dict[str, Any]]:
    """Return the machines that the stages of a run recorded (see `made_by`), by file."""
    machines = {name: content.get("machine") for name, content in _records(run_folder)}
    return {name: found for name, found in machines.items() if isinstance(found, dict)}


def _records(run_folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the objects in the JSON files of a run but its provenance, each with the name of its file."""
    for path in sorted(run_folder.rglob("*.json")):
        name = path.relative_to(run_folder).as_posix()
        try:
            content = parse_json(read_utf8(path))
        except (DataError, ValueError):
            continue
        if isinstance(content, dict) and name != PROVENANCE:
            yield name, content


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
    `config`, since the results were made with them; only the section of the report is taken from `config`, and that of
    the next plate where `config` asks for none.

    Raises:
        ConfigError: If a recorded file is no longer a valid configuration.
    """
    content = config.model_dump(mode="json")
    for stage in (stage for stage in content if stage not in (*WHOLE_RUN, "report")):
        path = run_folder / "config" / f"{stage}.yaml"
        # The last is left from a run that proposed a plate.
        if not path.exists() or (stage == "propose" and not config.propose.is_wanted):
            continue
        try:
            recorded = parse_yaml(read_utf8(path))
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

    But for the date and what Snakemake measured, the same results have the same provenance on one machine.

    Args:
        run_folder: The run's folder, `results/<run>`.
        config: The settings that its stages used (see `settings_of`).

    Returns:
        `run` and `seed`, from which all random numbers follow by purpose (see `molvae.seeding`); `date` (UTC, that of
        `SOURCE_DATE_EPOCH` if it is set); `versions`, `source` digest and `machine` of what gathered this;
        `sources` and `machines`, the source digest and the machine of each stage by the file that recorded it; the
        `device` that was asked for; `measured`, the seconds, CPU seconds and peak memory of each job; `inputs` and
        `outputs` by name, each with `bytes` and `sha256`; and `config`, all settings with their defaults. An input that
        is not here is as it was recorded before, if it was.

    Raises:
        ConfigError: If `SOURCE_DATE_EPOCH` is not a number of seconds.
    """
    return {
        "run": config.run,
        "seed": config.seed,
        "date": _date(),
        "versions": versions(),
        "source": source_digest(),
        "sources": recorded_sources(run_folder),
        "machine": machine(),
        "machines": recorded_machines(run_folder),
        "device": config.device,
        "measured": _measured(run_folder),
        "inputs": _inputs(run_folder, config),
        "outputs": {name: described(run_folder / name) for name in outputs_of(run_folder)},
        "config": without_passwords(config.model_dump(mode="json")),
    }


def _date() -> str:
    """Return the date and time in UTC; that of `SOURCE_DATE_EPOCH`, if it is set, so that runs can be compared."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    try:
        date = datetime.now(UTC) if epoch is None else datetime.fromtimestamp(int(epoch), UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise ConfigError(f"SOURCE_DATE_EPOCH: expected seconds since 1970, found {epoch!r}") from error
    return date.isoformat(timespec="seconds")


def _gpus() -> list[str]:
    """Return the models of the NVIDIA GPUs of this machine, as the driver names them; torch is not loaded for it."""
    models = []
    for file in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information")):
        with contextlib.suppress(OSError):
            lines = dict(line.partition(":")[::2] for line in file.read_text(encoding="utf-8").splitlines())
            models.append(lines.get("Model", "unknown").strip())
    return models


def _measured(run_folder: Path) -> dict[str, dict[str, float]]:
    """Return what Snakemake measured of each job: wall-clock time, CPU time, and peak resident memory."""
    columns = {"s": "seconds", "cpu_time": "cpu_seconds", "max_rss": "peak_memory_mb"}
    measured = {}
    folder = run_folder / "benchmarks"
    for file in sorted(folder.rglob("*.tsv")):
        with contextlib.suppress(DataError, ValueError):
            header, *rows = (line.split("\t") for line in read_utf8(file).splitlines())
            job = dict(zip(header, rows[-1], strict=True)) if rows else {}
            values = {name: float(job[column]) for column, name in columns.items() if job.get(column, "-") not in _NONE}
            measured[file.relative_to(folder).with_suffix("").as_posix()] = values
    return measured


def without_passwords(config: dict[str, Any]) -> dict[str, Any]:
    """Return settings whose inputs are as they may be shown, see `molvae.inputs.shown`."""
    prepare, test_input = config["prepare"], config["prepare"]["test_input"]
    inputs = {"input": list(map(shown, prepare["input"])), "test_input": test_input and shown(test_input)}
    return config | {"prepare": prepare | inputs}


def _inputs(run_folder: Path, config: RunConfig) -> dict[str, Record]:
    # The settings may be a stranger's: no other file is looked into than a run could have read.
    inputs = {shown(name): described(Path(name)) if is_input(name) else _NOTHING for name in _input_names(config)}
    missing = [name for name, record in inputs.items() if record == _NOTHING]
    if missing:
        logger.warning(
            "provenance: %s: expected inputs of these names here, found none; run it where the run was started",
            f"{', '.join(missing[:3])}{', ...' if len(missing) > 3 else ''}",
        )
        earlier = _recorded(run_folder / PROVENANCE, "inputs")
        # A pattern has the files that it had.
        had = {name: [other for other in earlier if other == name or fnmatchcase(other, name)] for name in missing}
        inputs = {name: record for name, record in inputs.items() if not had.get(name)}
        inputs |= {name: earlier[name] for names in had.values() for name in names}
    for objective in config.optimize.objectives:
        files = _recorded(run_folder / "optimize" / objective_name(objective) / "summary.json", "files")
        # A model of the run itself is no input.
        inside = run_folder.resolve()
        inputs |= {name: files[name] for name in files if inside not in Path(name).resolve().parents}
    return inputs


def _input_names(config: RunConfig) -> list[str]:
    names: list[str] = []
    for pattern in [*config.prepare.input, *([config.prepare.test_input] if config.prepare.test_input else [])]:
        try:
            names += map(str, expand([pattern]))
        # The files of a pattern may be gone by now, as a file may.
        except DataError:
            names.append(pattern)
    propose, objectives = config.propose, [*config.optimize.objectives]
    if propose.is_wanted:
        names += [name for name in (propose.measured, propose.pool) if name is not None]
        objectives += [] if propose.objective is None else [propose.objective]
    # One that comes with molvae is known by its name.
    if config.train.init_from and (base := Path(config.train.init_from) / MODEL_FILES[0]).exists():
        names += [str(base.with_name(file)) for file in MODEL_FILES]
    return [*names, *(name for name in objectives if Path(name).suffix in {".yaml", ".yml"})]


def _recorded(file: Path, key: str) -> dict[str, Record]:
    """Return what a file of the run says of others; nothing where it is not there, or says something else."""
    try:
        content = parse_json(read_utf8(file))[key]
        return {str(name): {"bytes": record["bytes"], "sha256": record["sha256"]} for name, record in content.items()}
    except (DataError, ValueError, AttributeError, TypeError, KeyError):
        return {}


def outputs_of(run_folder: Path) -> list[str]:
    """Return the files of a run's results, relative to its folder.

    What is about them is left out, as reports by any name are, and what is unfinished, and settings with passwords.
    """
    names = []
    pages = {path.stem for path in run_folder.glob("*.html")}
    for path in sorted(run_folder.rglob("*")):
        name = path.relative_to(run_folder)
        unfinished = "resume" in name.parts or any(part.startswith(".") for part in name.parts)
        is_page = name.parts[1:] == () and name.suffix == ".html"
        is_figure = name.parts[0] in pages and name.parts[1:2] == ("figures",)
        is_result = name.parts[0] not in ABOUT and not (unfinished or is_page or is_figure)
        if is_result and path.is_file() and not has_passwords(path):
            names.append(name.as_posix())
    return names


def has_passwords(path: Path) -> bool:
    """Say whether a file of settings has an address with what is not to be shown, see `molvae.inputs.shown`."""
    if path.parent.name != "config" or path.suffix != ".yaml":
        return False
    try:
        return any(shown(address) != address for address in re.findall(r"https?://\S+", read_utf8(path)))
    except (DataError, ValueError):
        return False


def described(path: Path) -> Record:
    """Return a file's size and hash; None if it no longer exists."""
    if not path.is_file():
        return _NOTHING
    return {"bytes": path.stat().st_size, "sha256": file_sha256(path)}
