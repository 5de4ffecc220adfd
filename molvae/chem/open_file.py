"""Open a file of any usual compression as bytes or lines, and say in one sentence what is wrong with it.

Most of what goes wrong with a download shows in its first bytes: a pointer where a clone lacks Git LFS, a server's
error page, text in another encoding, a spreadsheet. It is told before a reader stumbles over it.
"""

import bz2
import gzip
import io
import sys
import weakref
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import IO, TextIO, cast

from molvae.errors import DataError

STDIN = Path("-")
"""Stands for what comes through a pipe."""

# What has come through a pipe is gone: a second look would find nothing.
_has_been_read: weakref.WeakSet[TextIO] = weakref.WeakSet()

MAX_LINE_LENGTH = 100_000
"""Characters of a line above which it is not read: no molecule is that long, and memory is bounded by it."""

_HEAD = 4096
# Text in an alphabet of one byte has no zero bytes; text in UTF-16 is half of them.
_MAX_ZERO_FRACTION = 0.2
_PAGES = (b"<!doctype", b"<html", b"<?xml", b"<head", b"<error")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_LFS_POINTER = b"version https://git-lfs"
_KINDS = {".gz": "gzip", ".bz2": "bzip2", ".zst": "Zstandard"}
# What a file is that begins so where text should be, and what to do about it.
_BEGINNINGS = {
    b"\x1f\x8b": ("gzip-compressed data", "give the file the ending .gz"),
    b"BZh": ("bzip2-compressed data", "give the file the ending .bz2"),
    b"\x28\xb5\x2f\xfd": ("Zstandard-compressed data", "give the file the ending .zst"),
    b"PK\x03\x04": ("a zip archive or a spreadsheet", "unpack it, or export it as .csv"),
    b"PAR1": ("a Parquet table", "give the file the ending .parquet"),
}


def _zstd(file: IO[bytes]) -> IO[bytes]:
    import pyarrow as pa

    return cast("IO[bytes]", pa.CompressedInputStream(file, "zstd"))


COMPRESSIONS: dict[str, Callable[[IO[bytes]], IO[bytes]]] = {
    ".gz": lambda file: cast("IO[bytes]", gzip.GzipFile(fileobj=file, mode="rb")),
    ".bz2": lambda file: cast("IO[bytes]", bz2.BZ2File(file)),
    ".zst": _zstd,
}
"""From the ending of a name to what unpacks such a file."""


def is_compressed(path: Path) -> bool:
    """Say whether a file is compressed, by its name."""
    return path.suffix.lower() in COMPRESSIONS


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what can go wrong when a file is read into a `DataError` of one clear sentence."""
    try:
        yield
    except FileNotFoundError as error:
        raise DataError(f"{path}: expected a molecule file here, found none; check the path") from error
    except IsADirectoryError as error:
        raise DataError(f"{path}: expected a molecule file, found a folder; name the file in it") from error
    except PermissionError as error:
        raise DataError(f"{path}: expected a file that you may read, found that you may not; see `ls -l`") from error
    except (EOFError, zlib.error, OSError) as error:
        # An error of the system has a number; one of a decompressor has none.
        if isinstance(error, OSError) and error.errno is not None:
            raise DataError(f"{path}: expected a readable file, found an error ({error})") from error
        kind = _KINDS.get(path.suffix.lower(), "molecule")
        raise DataError(f"{path}: expected a whole {kind} file, found a cut or damaged one; fetch it again") from error


@contextmanager
def open_bytes(path: Path, *, text: bool = False) -> Iterator[IO[bytes]]:
    """Open a file and unpack it as it is read.

    Args:
        path: The file, whose ending says how it is compressed; `STDIN` is what comes through a pipe.
        text: Whether text is expected, so that anything else is refused.

    Raises:
        DataError: If its beginning shows that it is something else than its name says, or if standard input is opened a
            second time.
    """
    with nullcontext(_stdin()) if path == STDIN else path.open("rb") as file:
        packed = path.suffix.lower()
        head = file.peek(_HEAD)[:_HEAD]
        _check_beginning(path, head, text=text and packed not in COMPRESSIONS)
        if packed not in COMPRESSIONS:
            yield file
            return
        _check_packed(path, head)
        with io.BufferedReader(cast("io.RawIOBase", COMPRESSIONS[packed](file)), 1 << 16) as unpacked:
            _check_beginning(path, unpacked.peek(_HEAD)[:_HEAD], text=text)
            yield unpacked


def _stdin() -> io.BufferedReader:
    if sys.stdin in _has_been_read:
        raise DataError("-: expected a file, since it is read more than once, found standard input; write it to a file")
    _has_been_read.add(sys.stdin)
    # What stands in for it, in tests for one, may have nothing to peek into.
    file = sys.stdin.buffer
    return file if isinstance(file, io.BufferedReader) else io.BufferedReader(cast("io.RawIOBase", file))


def _check_packed(path: Path, head: bytes) -> None:
    """Refuse a file that is not compressed, or not as its name says."""
    packed = path.suffix.lower()
    for beginning, (found, remedy) in _BEGINNINGS.items():
        if head.startswith(beginning) and not remedy.endswith(packed):
            raise DataError(f"{path}: expected {_KINDS[packed]}-compressed data, found {found}; {remedy}")
    if head and 0 not in head and not any(map(head.startswith, _BEGINNINGS)):
        raise DataError(
            f"{path}: expected {_KINDS[packed]}-compressed data, found plain text; take {packed} off the file's name"
        )


def _check_beginning(path: Path, head: bytes, *, text: bool) -> None:
    if head.startswith(_LFS_POINTER):
        raise DataError(
            f"{path}: expected molecules, found a Git LFS pointer in place of the file; fetch it with `git lfs pull`"
        )
    for beginning, (found, remedy) in _BEGINNINGS.items() if text else ():
        if head.startswith(beginning):
            raise DataError(f"{path}: expected text in UTF-8, found {found}; {remedy}")
    if head.lstrip().lower().startswith(_PAGES):
        raise DataError(
            f"{path}: expected molecules, found a web page, as servers send in place of a file; fetch it again"
        )
    if text and head.startswith(_UTF16):
        raise DataError(f"{path}: expected text in UTF-8, found UTF-16; convert it, as with iconv -f UTF-16 -t UTF-8")
    if text and head and head.count(0) > _MAX_ZERO_FRACTION * len(head):
        raise DataError(
            f"{path}: expected text in UTF-8, found mostly zero bytes: UTF-16 or no text at all; convert or fetch it"
        )


@contextmanager
def open_lines(path: Path, newline: str | None = None) -> Iterator[Iterator[str]]:
    """Open a text file as a stream of lines, with their ends.

    A line above `MAX_LINE_LENGTH` is not held: `<line-of-N-characters>` stands for it, which is no molecule, and has
    none of the characters that separate columns.

    Args:
        path: The file, in UTF-8 with or without a byte order mark.
        newline: As in `open`.
    """
    # utf-8-sig: spreadsheets put a byte order mark before the first column's name.
    with (
        open_bytes(path, text=True) as file,
        io.TextIOWrapper(cast("io.BufferedReader", file), encoding="utf-8-sig", newline=newline) as text,
    ):
        yield _lines(path, text)


def _lines(path: Path, text: io.TextIOWrapper) -> Iterator[str]:
    read, number = text.readline, 0
    try:
        while line := read(MAX_LINE_LENGTH):
            number += 1
            if len(line) == MAX_LINE_LENGTH and not line.endswith("\n"):
                line = _stand_in(line, read)
            yield line
    except UnicodeDecodeError as error:
        at = number + 1 + error.object[: error.start].count(b"\n")
        raise DataError(
            f"{path}: expected text in UTF-8, found the byte 0x{error.object[error.start]:02x} near line {at} "
            f"({error.reason}); convert it, as with iconv -f LATIN1 -t UTF-8, or give the file the ending of its format"
        ) from error


def _stand_in(start: str, read: Callable[[int], str]) -> str:
    length = len(start)
    while rest := read(MAX_LINE_LENGTH):
        length += len(rest)
        if rest.endswith("\n"):
            length -= 1
            break
    return f"<line-of-{length}-characters>\n"
