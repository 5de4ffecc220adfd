"""Compare a run with its provenance: whether its files are those that were recorded."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from molvae.errors import DataError
from molvae.files import file_sha256, read_json
from molvae.provenance import PROVENANCE, outputs_of, source_digest


@dataclass(frozen=True)
class Verification:
    """What became of the files of a run since its provenance was written.

    Attributes:
        n_files: Files that are what they were.
        changed: Files that are there with other bytes.
        missing: Files that are gone.
        added: Files among the results that the provenance does not name.
        unknown: Inputs that are not here, so that nothing can be said of them.
        other_source: Files that record the source digest of another molvae than this one.
    """

    n_files: int
    changed: tuple[str, ...]
    missing: tuple[str, ...]
    added: tuple[str, ...]
    unknown: tuple[str, ...]
    other_source: tuple[str, ...]

    @property
    def fits(self) -> bool:
        """Whether the run is what its provenance says."""
        return not (self.changed or self.missing or self.added)

    def lines(self) -> list[str]:
        """Return the findings, a line each."""
        kinds = {
            "changed": self.changed,
            "missing": self.missing,
            "not in the provenance": self.added,
            "input that is not here": self.unknown,
            "made by another version of molvae": self.other_source,
        }
        return [f"{name}: {kind}" for kind, names in kinds.items() for name in names]


def read_provenance(run_folder: Path) -> dict[str, Any]:
    """Read the provenance of a run.

    Raises:
        DataError: If there is none, or it is not what the report stage writes.
    """
    file = run_folder / PROVENANCE
    provenance: dict[str, Any] = read_json(file, ["run", "date", "versions", "source", "inputs", "outputs"])
    for key in ("run", "date", "source"):
        if not isinstance(provenance[key], str):
            raise DataError(f"{file}: expected text as {key}, found {provenance[key]!r:.60}; make the report again")
    if not isinstance(provenance["versions"], dict) or not isinstance(provenance["versions"].get("molvae"), str):
        raise DataError(f"{file}: expected versions with that of molvae, found none; make the report again")
    for kind in ("inputs", "outputs"):
        files = provenance[kind]
        if not isinstance(files, dict) or not all(map(_is_record, files.values())):
            raise DataError(
                f"{file}: expected {kind} with their bytes and a SHA-256 each, found something else; make the report "
                "again"
            )
    for name in provenance["outputs"]:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts:
            raise DataError(f"{file}: expected outputs in the run's folder, found {name}; make the report again")
    return provenance


def _is_record(content: object) -> bool:
    return (
        isinstance(content, dict)
        and {"bytes", "sha256"} <= content.keys()
        # An input that was not there has neither.
        and isinstance(content["bytes"], int | None)
        and isinstance(content["sha256"], str | None)
    )


def verify(run_folder: Path) -> Verification:
    """Hash the files of a run again and compare them with its provenance.

    Args:
        run_folder: The run's folder, `results/<run>`. Inputs are looked for relative to the working folder.

    Raises:
        DataError: If there is no provenance.
    """
    provenance = read_provenance(run_folder)
    changed: list[str] = []
    missing: list[str] = []
    unknown: list[str] = []
    n_files = 0
    recorded = {name: run_folder / name for name in provenance["outputs"]}
    for name, path in {**recorded, **{name: Path(name) for name in provenance["inputs"]}}.items():
        is_input = name not in recorded
        expected = provenance["inputs" if is_input else "outputs"][name]["sha256"]
        if not path.is_file():
            (unknown if is_input else missing).append(name)
        elif file_sha256(path) == expected:
            n_files += 1
        elif expected is not None:
            changed.append(name)
    added = [name for name in outputs_of(run_folder) if name not in recorded]
    return Verification(
        n_files, tuple(changed), tuple(missing), tuple(added), tuple(unknown), _other_sources(provenance)
    )


def _other_sources(provenance: Mapping[str, Any]) -> tuple[str, ...]:
    sources = provenance.get("sources")
    here = source_digest()
    return tuple(name for name, source in sources.items() if source != here) if isinstance(sources, dict) else ()
