"""Output folders: one run at a time writes to one, and only files that molvae names are replaced or removed in it."""

import errno
import os
import re
import shutil
import socket
import stat
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from molvae.errors import DataError
from molvae.files import file_sha256, move, read_json, room_for, sync, write_json
from molvae.log import logger
from molvae.untrusted import read_utf8

LOCK = ".molvae.lock"
CHECKSUMS = "checksums.json"
"""Holds the SHA-256 of every other file of a sealed folder."""

# What a lock file says; a power failure can leave an empty one.
_HOLDER = re.compile(rb"(process \d+ on .*)?")

_held: set[int] = set()
"""Open lock files. A forked process closes its copies, or it would hold the locks of a parent that was killed."""


def _close_copies() -> None:
    for file in _held:
        os.close(file)
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_copies)


def holder(path: Path) -> tuple[int, str] | None:
    """Return the process that holds a lock file, and its host; None if nothing says so.

    A killed process leaves its file, whose lock is free, so see whether it `is_running`.
    """
    with suppress(DataError, UnicodeDecodeError):
        if match := re.fullmatch(r"process (\d+) on (.*)", read_utf8(path)):
            return int(match[1]), match[2]
    return None


class LockedError(Exception):
    """Another process holds the lock; the message says which."""


@contextmanager
def locked(path: Path, *, shared: bool = False, wait: bool = False) -> Iterator[int]:
    """Hold a lock file, which the operating system lets go of when the process ends, however it ends.

    On a file system that has no locks the work is done without one.

    Args:
        path: The lock file, removed at the end.
        shared: Share the lock with other processes that ask for it as shared.
        wait: Wait until the lock is free.

    Yields:
        The open file; a child process that it is passed on to holds the lock as well.

    Raises:
        LockedError: If the lock is taken and `wait` is false.
        DataError: If another kind of file has this name.
        OSError: If the file cannot be made.
    """
    file = _acquire(path, shared=shared, wait=wait)
    _held.add(file)
    try:
        yield file
    finally:
        # Not in a forked process, which has closed its copy.
        if file in _held:
            _held.remove(file)
            # No other process holds it any more, so no lock in use is removed.
            if _try_lock(file, path, shared=False, wait=False) and _is_same(file, path):
                path.unlink(missing_ok=True)
            os.close(file)


def _acquire(path: Path, *, shared: bool, wait: bool) -> int:
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            # Not through a link, since the file is written to.
            file = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
        except FileNotFoundError:
            # A run that ended has tidied the folder away in between.
            if path.parent.exists():
                raise
            continue
        if not _try_lock(file, path, shared=shared, wait=wait) and not (shared and _try_again(file, path)):
            taken_by = os.read(file, 200).decode(errors="replace")
            os.close(file)
            raise LockedError(taken_by or "an unknown process")
        if _is_same(file, path):
            if not _HOLDER.fullmatch(os.read(file, 200)):
                os.close(file)
                raise DataError(f"{path}: expected a lock of molvae or nothing, found another file; move it away")
            # Read only by a process that finds it locked, so a full disk is no reason to stop.
            with suppress(OSError):
                os.ftruncate(file, 0)
                os.lseek(file, 0, os.SEEK_SET)
                os.write(file, f"process {os.getpid()} on {socket.gethostname()}".encode())
            return file
        # The run that held it has removed it in between.
        os.close(file)


def _try_lock(file: int, path: Path, *, shared: bool, wait: bool) -> bool:
    """Return False if another process holds the lock, and True also where there are no locks."""
    try:
        import fcntl

        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB))
    except (ImportError, OSError) as error:
        if isinstance(error, OSError) and error.errno in (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES):
            return False
        logger.debug("%s: no locks here (%s); another run in this folder would not be noticed", path, error)
    return True


def _try_again(file: int, path: Path) -> bool:
    """Ask for a shared lock some more times: whoever holds it last has it alone for a moment, to remove the file."""
    for _ in range(10):
        time.sleep(0.02)
        if _try_lock(file, path, shared=True, wait=False):
            return True
    return False


def _is_same(file: int, path: Path) -> bool:
    """Tell whether `path` still names the open file."""
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False


@contextmanager
def output_folder(out: Path, *parts: str, shared: bool = False) -> Iterator[int]:
    """Keep an output folder for one run, so that a second one ends before its work instead of after it.

    The folder is made, and removed again if it was made here and is empty at the end.

    Args:
        out: The folder.
        parts: Folders in it that the run writes to or removes files from; none may be a link.
        shared: Share the folder with the other parts of the same run.

    Yields:
        The open lock file, see `locked`.

    Raises:
        DataError: If another run works in the folder, it cannot be written, or one of `parts` is a link.
    """
    for part in parts:
        refuse_link(out / part)
    made = [folder for folder in (out, *out.parents) if not folder.exists()]
    with ExitStack() as stack:
        stack.callback(_remove_empty, made)
        try:
            file = stack.enter_context(locked(out / LOCK, shared=shared))
        except LockedError as error:
            raise DataError(
                f"{out}: expected no other run of molvae in this folder, found one at work ({error}); wait until it is "
                "done, end it, or write elsewhere"
            ) from error
        except OSError as error:
            raise DataError(
                f"{out}: expected a writable folder, found otherwise ({error.strerror}); write elsewhere"
            ) from error
        yield file


def require_private(path: Path) -> None:
    """Refuse a file or folder that somebody else may have written.

    Raises:
        DataError: If another user owns it, or others than its owner may write to it.
        OSError: If it cannot be looked at.
    """
    if os.name != "posix":
        return
    status = path.stat()
    if status.st_uid != os.geteuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise DataError(
            f"{path}: expected a file or folder that only you can write to, found owner {status.st_uid} and mode "
            f"{stat.S_IMODE(status.st_mode):03o}; make it yours (chmod go-w), or name another"
        )


def _remove_empty(folders: Sequence[Path]) -> None:
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()


def refuse_link(folder: Path) -> None:
    """Refuse a folder that is a link, since its target may belong to something else.

    Raises:
        DataError: If it is a link, or is there and no folder.
    """
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        kind = "a link" if folder.is_symlink() else "a file"
        raise DataError(f"{folder}: expected a folder or nothing, found {kind}; move it away, or write elsewhere")


@contextmanager
def replacing_files(folder: Path, names: Sequence[str]) -> Iterator[Path]:
    """Give an empty folder, and move the files that were written there to `folder` at the end.

    Older files of these names that were not written again are removed, and everything else in `folder` stays. After an
    error `folder` is untouched. The last of `names` is removed first and comes last: where it is, all are whole. What
    killed runs have left of such work is removed.

    Args:
        folder: The folder, made if it is not there. No other run may write it at the same time.
        names: The files that are written, relative to the folder; they may hold `*`.

    Raises:
        DataError: If there is no room on the disk, no folder can be made beside `folder`, `folder` is a link, or a name
            is taken by a folder.
    """
    refuse_link(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(folder, names)
        # Beside the folder, hence on the same disk.
        temporary = Path(tempfile.mkdtemp(".partial", f".{folder.name}.{os.getpid()}.", folder.parent))
    except OSError as error:
        raise DataError(
            f"{folder.parent}: expected a writable folder, found otherwise ({error.strerror}); write elsewhere"
        ) from error
    try:
        with room_for(folder):
            yield temporary
            written = [path.relative_to(temporary) for path in temporary.rglob("*") if path.is_file()]
            for name in written:
                sync(temporary / name)
        written.sort(key=lambda name: name.match(names[-1]))
        # All of them, before anything is removed.
        for name in written:
            _refuse_taken(folder, name)
        for stale in [*_matches(folder, names[-1:]), *_matches(folder, names)]:
            is_old = stale.relative_to(folder) not in written or stale.match(names[-1])
            if is_old and not stale.is_dir():
                stale.unlink(missing_ok=True)
        for name in written:
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            move(temporary / name, target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _refuse_taken(folder: Path, name: Path) -> None:
    """Refuse to write a file where a folder is, or below a link or a file."""
    for up in name.parents:
        refuse_link(folder / up)
    if (folder / name).is_dir():
        raise DataError(
            f"{folder / name}: expected a file or nothing, found a folder; move it away, or write elsewhere"
        )


def _remove_abandoned(folder: Path, names: Sequence[str]) -> None:
    """Remove the working folders of `replacing_files` whose processes were killed."""
    working = re.compile(rf"\.{re.escape(folder.name)}\.(\d+)\.[a-z0-9_]{{8}}\.partial")
    unfinished = [str(path.with_name(f".{path.stem}.[0-9]*.partial{path.suffix}")) for path in map(Path, names)]
    for path in folder.parent.iterdir():
        match = working.fullmatch(path.name)
        if match and not is_running(int(match[1])):
            remove_files(path, [*names, *unfinished])


def is_running(process: int) -> bool:
    """Tell whether a process of this number runs; where that cannot be asked, it may."""
    if os.name != "posix":
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return True


def remove_files(folder: Path, names: Sequence[str]) -> None:
    """Remove files that molvae made, and then the folder if nothing else is in it.

    Args:
        folder: The folder; if it is a link nothing is removed.
        names: The files, relative to the folder; they may hold `*`. A folder among them is removed if it is empty.
    """
    if folder.is_symlink():
        return
    for path in [*_matches(folder, names), folder]:
        # What cannot be removed costs room, and nothing else.
        with suppress(OSError):
            if path.is_dir() and not path.is_symlink():
                path.rmdir()
            else:
                path.unlink()


def _matches(folder: Path, names: Sequence[str]) -> list[Path]:
    """Return what is in the folder by these names, not through links; what is in a folder comes before it."""
    matches = {path for name in names for path in folder.glob(name)}
    own = [path for path in matches if not any((folder / up).is_symlink() for up in path.relative_to(folder).parents)]
    return sorted(own, reverse=True)


def seal(folder: Path) -> None:
    """Write the checksums of all files in a folder to `checksums.json` in it."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    write_json(folder / CHECKSUMS, {path.relative_to(folder).as_posix(): file_sha256(path) for path in files})


def is_whole(folder: Path, names: Sequence[str]) -> bool:
    """Tell whether the files of a sealed folder, `names` at least, are what they were when it was sealed."""
    try:
        checksums = read_json(folder / CHECKSUMS)
        return (
            isinstance(checksums, dict)
            and checksums.keys() >= set(names)
            and all(file_sha256(folder / name) == checksum for name, checksum in checksums.items())
        )
    except (DataError, OSError):
        return False
