"""Fetch public libraries, once, into `data/raw/`.

Every address of a preset comes with the checksum of the published file, so that what is read is what others read.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from molvae.errors import ConfigError, DataError
from molvae.log import logger, progress

if TYPE_CHECKING:
    import pooch

RAW = Path("data/raw")
CHEMBL_RELEASE = 35

_RETRIES = 3
_TIMEOUT_S = 60.0
_PIECE = 1 << 16
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
        checksum: Of its content, as `sha256:...` or `md5:...`; None if nobody has published one.
        checksums_url: Address of a list of checksums that has it, as `sha256sum` writes them.
    """

    url: str
    place: str
    checksum: str | None = None
    checksums_url: str | None = None


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
    return Remote(url, f"{re.sub(r'[^A-Za-z0-9.-]', '_', parts.netloc)}/{file}", checksum.replace("=", ":") or None)


def fetch(remote: Remote) -> Path:
    """Return where a remote file is kept, and fetch it if it is not there.

    A part that an earlier attempt has left is gone on with where the server can.

    Raises:
        DataError: If the server does not give it, or gives something else than the checksum says.
    """
    kept = RAW / remote.place
    kept.parent.mkdir(parents=True, exist_ok=True)
    # Of several jobs that want the file, one fetches it and the others wait.
    with _alone(kept.with_name(f".{kept.name}.lock")):
        if not kept.exists():
            _fetch(remote, kept)
    return kept


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    import fcntl

    with lock.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)


def _fetch(remote: Remote, kept: Path) -> None:
    import pooch
    import requests

    checksum = remote.checksum or _published_checksum(remote)
    store = pooch.create(
        path=kept.parent,
        base_url="",
        registry={kept.name: checksum},
        urls={kept.name: remote.url},
        retry_if_failed=_RETRIES,
    )
    pooch.get_logger().setLevel("WARNING")
    logger.info("fetching %s to %s", remote.url, kept)
    try:
        store.fetch(kept.name, downloader=_download)
    except requests.HTTPError as error:
        raise DataError(
            f"{remote.url}: expected a file, found that the server refuses it ({error}); check the address"
        ) from error
    except (requests.RequestException, ConnectionError) as error:
        raise DataError(
            f"{remote.url}: expected a whole file, found the connection failing ({type(error).__name__}); the same "
            f"command goes on where it stopped, or put the file at {kept} yourself"
        ) from error
    except ValueError as error:
        raise DataError(
            f"{remote.url}: expected a file with the checksum {checksum}, found one with another; it was altered, or "
            "has a new version: nothing is kept"
        ) from error
    except OSError as error:
        raise DataError(f"{kept}: expected a place to write the file to, found otherwise ({error})") from error


def _published_checksum(remote: Remote) -> str | None:
    if remote.checksums_url is None:
        return None
    import requests

    try:
        answer = requests.get(remote.checksums_url, timeout=_TIMEOUT_S)
        answer.raise_for_status()
    except requests.RequestException as error:
        raise DataError(f"{remote.checksums_url}: expected a list of checksums, found none ({error})") from error
    file = Path(urlsplit(remote.url).path).name
    listed = re.search(rf"^([0-9a-f]{{64}}) [ *]?{re.escape(file)}$", answer.text, flags=re.MULTILINE)
    if listed is None:
        raise DataError(
            f"{remote.checksums_url}: expected the checksum of {file}, found none; give its address instead"
        )
    return f"sha256:{listed[1]}"


def _download(url: str, output_file: str, store: "pooch.Pooch") -> None:
    """Fetch a file for pooch; a part that is there already is gone on with where the server can."""
    import requests

    [name] = store.registry
    part = Path(store.path) / f".{name}.part"
    begun = part.stat().st_size if part.exists() else 0
    headers = {"Range": f"bytes={begun}-"} if begun else {}
    with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT_S) as answer:
        if answer.status_code == requests.codes.requested_range_not_satisfiable:
            # The part is not a part of what the server has now.
            part.unlink()
            raise requests.ConnectionError("the file has changed on the server")
        answer.raise_for_status()
        goes_on = answer.status_code == requests.codes.partial_content
        length = int(answer.headers.get("Content-Length", 0))
        with part.open("ab" if goes_on else "wb") as file, progress(f"fetch {name}", length) as advance:
            _copy(answer, file.write, advance)
            received = file.tell() - (begun if goes_on else 0)
    if length and received < length:
        raise requests.ConnectionError("the connection was dropped")
    part.replace(output_file)


def _copy(answer: Any, write: Callable[[bytes], int], advance: Callable[[int], None]) -> None:
    for piece in answer.iter_content(_PIECE):
        advance(write(piece))
