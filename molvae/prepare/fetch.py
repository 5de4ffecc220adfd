"""Fetch public libraries, once, into `data/raw/`."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from molvae.errors import DataError
from molvae.folders import locked
from molvae.inputs import RAW, Remote, remote_of, shown
from molvae.log import logger, progress

if TYPE_CHECKING:
    import pooch

_RETRIES = 3
_TIMEOUT_S = 60.0
_PIECE = 1 << 16


def fetch(remote: Remote) -> Path:
    """Return where a remote file is kept, and fetch it if it is not there.

    A part that an earlier attempt has left is gone on with where the server can.

    Raises:
        DataError: If the server does not give it, gives something else than the checksum says, or what is there
            already has another checksum.
    """
    kept = RAW / remote.place
    if not kept.exists():
        # Of several jobs that want the file, one fetches it and the others wait.
        with locked(kept.with_name(f".{kept.name}.lock"), wait=True):
            if not kept.exists():
                _fetch(remote, kept)
                return kept
    check(remote)
    return kept


def check(remote: Remote) -> None:
    """Compare a file that is there with the checksum that is known of it.

    Raises:
        DataError: If it has another.
    """
    import pooch

    if remote.checksum is None:
        return
    kept = RAW / remote.place
    algorithm, _, digest = remote.checksum.rpartition(":")
    if pooch.file_hash(str(kept), algorithm or "sha256") != digest.lower():
        raise DataError(
            f"{kept}: expected a file with the checksum {remote.checksum}, found one with another; remove it, and the "
            f"same command fetches it again from {shown(remote.url)}"
        )


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
    logger.info("fetching %s to %s", shown(remote.url), kept)
    try:
        store.fetch(kept.name, downloader=_download)
    except requests.HTTPError as error:
        status = "unknown" if error.response is None else error.response.status_code
        raise DataError(
            f"{shown(remote.url)}: expected a file, found that the server refuses it (status {status}); check the "
            "address"
        ) from error
    except (requests.RequestException, ConnectionError) as error:
        raise DataError(
            f"{shown(remote.url)}: expected a whole file, found the connection failing ({type(error).__name__}); the "
            f"same command goes on where it stopped, or put the file at {kept} yourself"
        ) from error
    except ValueError as error:
        raise DataError(
            f"{shown(remote.url)}: expected a file with the checksum {checksum}, found one with another; it was "
            "altered, or has a new version: nothing is kept"
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
        raise DataError(
            f"{shown(remote.checksums_url)}: expected a list of checksums, found none ({type(error).__name__})"
        ) from error
    file = Path(urlsplit(remote.url).path).name
    listed = re.search(rf"^([0-9a-f]{{64}}) [ *]?{re.escape(file)}$", answer.text, flags=re.MULTILINE)
    if listed is None:
        raise DataError(
            f"{shown(remote.checksums_url)}: expected the checksum of {file}, found none; give its address instead"
        )
    return f"sha256:{listed[1]}"


def _download(url: str, output_file: str, store: "pooch.Pooch") -> None:
    """Fetch a file for pooch; a part that is there already is gone on with where the server can."""
    import requests

    [name] = store.registry
    part = Path(store.path) / f".{name}.part"
    begun = part.stat().st_size if part.exists() else 0
    # Of a compressed answer, a part has another length than on the server.
    headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={begun}-"} if begun else {})}
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


def fetch_missing(names: Sequence[str | Path], *, offline: bool = False) -> None:
    """Fetch the public libraries and URLs among the inputs that have no local copy yet, and check the copies there are.

    Args:
        names: The inputs; see `molvae.inputs.expand`.
        offline: Fetch nothing.

    Raises:
        DataError: If a file cannot be fetched or does not have its checksum; with `offline`, if any is missing, with
            the URL and path of each.
    """
    remotes = [remote for name in names if (remote := remote_of(str(name)))]
    missing = [remote for remote in remotes if not (RAW / remote.place).exists()]
    if missing and offline:
        listed = "; ".join(f"{RAW / remote.place} from {shown(remote.url)}" for remote in missing)
        raise DataError(f"--offline: expected the files to be there, found missing: {listed}; fetch them where you can")
    for remote in remotes:
        check(remote) if offline else fetch(remote)
