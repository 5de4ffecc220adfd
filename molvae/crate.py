"""Pack a run as an RO-Crate: its files, and a description of them that other tools read.

The crate follows the profile Process Run Crate: one action, by molvae, from the inputs to the results.

References:
    Soiland-Reyes et al., Packaging research artefacts with RO-Crate, Data Science 2022, doi:10.3233/DS-210053.
"""

import mimetypes
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from molvae.errors import ConfigError, DataError
from molvae.files import replacing
from molvae.log import logger
from molvae.provenance import ABOUT, PROVENANCE, has_passwords
from molvae.verification import read_provenance, verify

PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
_KINDS = {
    ".parquet": "application/vnd.apache.parquet",
    ".sdf": "chemical/x-mdl-sdfile",
    ".tsv": "text/tab-separated-values",
    ".yaml": "application/yaml",
}


def archive(run_folder: Path, out: Path) -> int:
    """Pack a run that is what its provenance says.

    Args:
        run_folder: The run's folder, `results/<run>`.
        out: The zip file to write.

    Returns:
        The number of files in it, its description not counted.

    Raises:
        DataError: If there is no provenance, a result is not what it says, or one is a link.
        ConfigError: If `rocrate` is not installed, or `out` does not end in .zip.
    """
    if out.suffix != ".zip":
        raise ConfigError(f"--out {out}: expected a name that ends in .zip; give the archive another")
    verification = verify(run_folder)
    if not verification.fits:
        raise DataError(
            f"{run_folder}: expected the files of its provenance, found others ({verification.lines()[0]}); "
            "`molvae verify` lists all, `molvae report` records them as they are"
        )
    provenance = read_provenance(run_folder)
    names = [*provenance["outputs"], *_files_about(run_folder)]
    _refuse_links(run_folder, names)
    secret = {name for name in names if has_passwords(run_folder / name)}
    if secret:
        logger.warning("%s: left out: %s, which has addresses with passwords", run_folder, ", ".join(sorted(secret)))
    names = [name for name in names if name not in secret]
    crate = _crate(run_folder, provenance, names)
    with replacing(out) as temporary:
        crate.write_zip(temporary)
    return len(names)


def _refuse_links(run_folder: Path, names: Iterable[str]) -> None:
    """Refuse to pack what is elsewhere: a run of others may have links to files that are nobody else's."""
    for name in names:
        parts = [run_folder / part for part in [Path(name), *Path(name).parents][:-1]]
        if link := next((part for part in parts if part.is_symlink()), None):
            raise DataError(
                f"{link}: expected a file or folder of the run, found a link; replace it by what it leads to, or "
                "remove it"
            )


def _files_about(run_folder: Path) -> list[str]:
    """Return the files about the results, the logs left out: they may name folders of this machine."""
    paths = (path for name in sorted(ABOUT - {"logs"}) for path in [run_folder / name, *(run_folder / name).rglob("*")])
    return [path.relative_to(run_folder).as_posix() for path in paths if path.is_file()]


def _crate(run_folder: Path, provenance: dict[str, Any], names: list[str]) -> Any:
    try:
        from rocrate.model import ContextEntity
        from rocrate.rocrate import ROCrate
    except ImportError as error:
        raise ConfigError("archive: expected the package rocrate, found none; pip install 'molvae[crate]'") from error

    crate = ROCrate()
    crate.name = f"molvae run {provenance['run']}"
    crate.description = (
        "Molecules that a recurrent VAE generated and a search optimised, with the data, the settings and the model "
        f"that they come from. {PROVENANCE} has all versions, settings and hashes."
    )
    crate.datePublished = provenance["date"]

    def entity(place: str, /, **properties: Any) -> Any:
        properties = {name.replace("type_", "@type"): value for name, value in properties.items()}
        return crate.add(ContextEntity(crate, place, properties=properties))

    crate.root_dataset["conformsTo"] = entity(PROFILE, type_="CreativeWork", name="Process Run Crate", version="0.5")
    software = entity(
        "#molvae",
        type_="SoftwareApplication",
        name="molvae",
        softwareVersion=provenance["versions"]["molvae"],
        identifier=f"sha256:{provenance['source']}",
    )
    inputs = [
        entity(f"#input-{number}", type_="CreativeWork", name=name, identifier=f"sha256:{file['sha256']}")
        for number, (name, file) in enumerate(provenance["inputs"].items(), start=1)
    ]
    files = [
        crate.add_file(run_folder / name, name, properties=_properties(name, provenance["outputs"].get(name)))
        for name in names
    ]
    crate.root_dataset["mentions"] = entity(
        "#run",
        type_="CreateAction",
        name=crate.name,
        endTime=provenance["date"],
        instrument=software,
        object=inputs,
        result=files,
    )
    return crate


def _properties(name: str, recorded: dict[str, Any] | None) -> dict[str, Any]:
    kind = _KINDS.get(Path(name).suffix) or mimetypes.guess_type(name)[0]
    properties: dict[str, Any] = {"name": name, **({} if kind is None else {"encodingFormat": kind})}
    if recorded is not None:
        properties |= {"contentSize": str(recorded["bytes"]), "sha256": recorded["sha256"]}
    return properties
