"""Which files a run reads: the user's, and public libraries that are kept in `data/raw/`.

Every address of a preset comes with the checksum of the published file, so that what is read is what others read.
"""

import glob
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import yaml

from molvae.errors import ConfigError, DataError
from molvae.untrusted import parse_yaml, read_utf8

RAW = Path("data/raw")
CHEMBL_RELEASE = 35

_MOSES = "https://media.githubusercontent.com/media/molecularsets/moses/master/data"
_ZINC = "https://raw.githubusercontent.com/aspuru-guzik-group/chemical_vae/master/models/zinc_properties"
_GUACAMOL = "https://ndownloader.figshare.com/files"
_CHEMBL = "https://ftp.ebi.ac.uk/pub/databases/chembl/ChEMBLdb/releases"


@dataclass(frozen=True)
class Remote:
    """A file on a server.

    Attributes:
        url: Its address.
        place: Where it is kept, relative to `data/raw/`.
        checksum: Of its content, as `sha256:...` or `md5:...`; None if none is published.
        checksums_url: Address of a list of checksums that has it, as `sha256sum` writes them.
    """

    url: str
    place: str
    checksum: str | None = None
    checksums_url: str | None = None


def shown(name: str) -> str:
    """Return an input as it is written to logs and results: an address without its password and signature."""
    if not name.startswith(("http://", "https://")):
        return name
    parts = urlsplit(name)
    query = "..." if parts.query else ""
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, query, parts.fragment))


PRESETS = {
    "moses": Remote(
        f"{_MOSES}/train.csv",
        "moses/train.csv",
        "sha256:49fe1aae29604ec0f5023ea34edc8789415f954138f2903dabd005a4b888a961",
    ),
    "moses_test": Remote(
        f"{_MOSES}/test.csv",
        "moses/test.csv",
        "sha256:257165e8f1e1be2d5712db51c93d2b1544564b782dc303d7d19c887c21a858e6",
    ),
    "moses_test_scaffolds": Remote(
        f"{_MOSES}/test_scaffolds.csv",
        "moses/test_scaffolds.csv",
        "sha256:8bc942dd807147e07b506151fe8675f58780ed8e494801b705c4bdadb3df3440",
    ),
    "zinc250k": Remote(
        f"{_ZINC}/250k_rndm_zinc_drugs_clean_3.csv",
        "zinc250k/250k_rndm_zinc_drugs_clean_3.csv",
        "sha256:35e3f1a52b1badc0697e373d73a18ad773f415936ff992f4c6baa2e067b3e6ae",
    ),
    "guacamol": Remote(f"{_GUACAMOL}/13612760", "guacamol/train.smi", "md5:05ad85d871958a05c02ab51a4fde8530"),
    "guacamol_validation": Remote(
        f"{_GUACAMOL}/13612766", "guacamol/validation.smi", "md5:e53db4bff7dc4784123ae6df72e3b1f0"
    ),
    "guacamol_test": Remote(f"{_GUACAMOL}/13612757", "guacamol/test.smi", "md5:677b757ccec4809febd83850b43e1616"),
    "guacamol_all": Remote(f"{_GUACAMOL}/13612745", "guacamol/all.smi", "md5:7d45bc95c33c10cb96ef5e78c38ac0b6"),
}
"""Public libraries by name; `chembl`, and `chembl_<release>` for another release, besides."""


# Of molecules, also compressed, of objectives and settings, and of models.
_INPUT = re.compile(
    r".*\.((smi|smiles|ism|can|csv|tsv|tab|txt|sdf|sd|parquet)(\.(gz|bz2|zst))?|ya?ml|json|safetensors)",
    re.IGNORECASE | re.DOTALL,
)


def is_input(name: str) -> bool:
    """Say whether a file can be read as the input of a run, by its ending."""
    return _INPUT.fullmatch(name) is not None


def objective_name(objective: str, folder: Path = Path()) -> str:
    """Return the name of an objective, which is that of its folder of results, from its file or as a built-in one.

    Args:
        objective: As the settings give it.
        folder: The folder that its path is relative to.
    """
    path = folder / objective
    if path.suffix not in (".yaml", ".yml"):
        return objective
    try:
        return str(parse_yaml(read_utf8(path))["name"])
    # Results stay readable where the file has gone or changed.
    except (DataError, UnicodeDecodeError, yaml.YAMLError, TypeError, KeyError):
        return path.stem


def remote_of(name: str) -> Remote | None:
    """Return the file on a server that an input names, or None if it names a file of the user's.

    Args:
        name: A preset's name, or an address that begins with http:// or https://, where `#sha256=...` or `#md5=...`
            may follow.

    Raises:
        ConfigError: If an address does not end in the name of a file.
    """
    if name in PRESETS:
        return PRESETS[name]
    if release := re.fullmatch(r"chembl(?:_(\d+))?", name):
        number = f"chembl_{release[1] or CHEMBL_RELEASE}"
        # Tab-separated, which its own ending does not say.
        return Remote(
            f"{_CHEMBL}/{number}/{number}_chemreps.txt.gz",
            f"chembl/{number}_chemreps.tsv.gz",
            checksums_url=f"{_CHEMBL}/{number}/checksums.txt",
        )
    if not name.startswith(("http://", "https://")):
        return None
    url, _, checksum = name.partition("#")
    parts = urlsplit(url)
    file = Path(parts.path).name
    if not file:
        raise ConfigError(f"{name}: expected the address of a file, found one that ends in no name")
    # One server may have many files of one name, told apart by the path or what follows it.
    server = re.sub(r"[^A-Za-z0-9.-]", "_", parts.netloc.rpartition("@")[2])
    place = f"{server}/{hashlib.sha256(url.encode()).hexdigest()[:12]}/{file}"
    return Remote(url, place, checksum.replace("=", ":") or None)


def expand(patterns: Sequence[str | Path]) -> list[Path]:
    """Return the files for paths, patterns such as `library/*.smi`, public libraries and URLs; nothing is fetched.

    Args:
        patterns: Paths; patterns with `*`, `?`, `[...]` and, for folders of any depth, `**`; names of public libraries
            or URLs, for which the path of the local copy is returned. See `remote_of`.

    Returns:
        The files in the order of the patterns, those of one pattern sorted by name, without repeats. A path without
        wildcards is returned as it is, whether or not the file exists.

    Raises:
        DataError: If a pattern matches no file.
        ConfigError: If a URL names no file.
    """
    files: dict[Path, None] = {}
    for pattern in map(str, patterns):
        if remote := remote_of(pattern):
            files.setdefault(RAW / remote.place)
            continue
        # A file name may contain a wildcard character itself.
        if not glob.has_magic(pattern) or Path(pattern).exists():
            files.setdefault(Path(pattern))
            continue
        matches = [path for path in map(Path, sorted(glob.glob(pattern, recursive=True))) if path.is_file()]
        if not matches:
            raise DataError(f"{pattern}: expected files that match the pattern, found none; check it")
        files.update(dict.fromkeys(matches))
    return list(files)
