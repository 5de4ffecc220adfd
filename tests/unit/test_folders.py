import errno
import fcntl
import logging
import os
import subprocess
import sys
import threading

import pytest

from molvae import folders
from molvae.chem.timeout import map_within
from molvae.errors import DataError
from molvae.folders import (
    LOCK,
    LockedError,
    is_whole,
    locked,
    output_folder,
    remove_files,
    replacing_files,
    seal,
)

WHOLE = ("a.csv", "deep/x.npy")
NAMES = ("a.csv", "deep/*.npy", "summary.json")


def content(folder):
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def write(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("new")


def make(folder, **files):
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_files_of_a_folder_come_together_and_what_is_not_named_stays(tmp_path):
    folder = make(tmp_path / "out", a_csv="old", deep__old_npy="old", deep__notes_txt="mine", thesis_docx="mine")
    with replacing_files(folder, NAMES) as temporary:
        write(temporary, "a.csv", "deep/x.npy", "summary.json")
        assert content(folder)["a.csv"] == "old"
    assert content(folder) == {
        "a.csv": "new",
        "deep/x.npy": "new",
        "summary.json": "new",
        "deep/notes.txt": "mine",
        "thesis.docx": "mine",
    }
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_failure_leaves_the_older_files_and_nothing_else(tmp_path):
    folder = make(tmp_path / "out", a_csv="old", summary_json="old")

    def fail_half_way():
        with replacing_files(folder, NAMES) as temporary:
            write(temporary, "a.csv")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert content(tmp_path) == {"out/a.csv": "old", "out/summary.json": "old"}


def test_the_last_name_goes_first_and_comes_last(tmp_path, monkeypatch):
    folder = make(tmp_path / "out", a_csv="old", summary_json="old")
    there = []
    monkeypatch.setattr("molvae.folders.move", lambda *_: there.append(sorted(content(folder))))
    with replacing_files(folder, NAMES) as temporary:
        write(temporary, "summary.json", "a.csv")
    assert there == [["a.csv"], ["a.csv"]]


@pytest.mark.parametrize("inner", ["", "deep"])
def test_nothing_is_written_or_removed_through_a_link(tmp_path, inner):
    mine = make(tmp_path / "mine", a_csv="mine", x_npy="mine", deep__x_npy="mine")
    folder = tmp_path / "out"
    if inner:
        folder.mkdir()
    (folder / inner).symlink_to(mine)

    def replace():
        with replacing_files(folder, NAMES) as temporary:
            write(temporary, "deep/x.npy")

    with pytest.raises(DataError, match="expected a folder or nothing, found a link"):
        replace()
    remove_files(folder, [*NAMES, "deep"])
    assert content(mine) == {"a.csv": "mine", "x.npy": "mine", "deep/x.npy": "mine"}


@pytest.mark.parametrize("obstacle", ["a.csv", "deep/x.npy", "deep"])
def test_what_is_in_the_way_of_any_file_is_refused_before_anything_is_removed(tmp_path, obstacle):
    folder = make(tmp_path / "out", b_csv="old", summary_json="old")
    mine = make(tmp_path / "mine", x_npy="mine")
    if obstacle == "deep":
        (folder / "deep").symlink_to(mine)
    else:
        (folder / obstacle).mkdir(parents=True)

    def replace():
        with replacing_files(folder, ["a.csv", "b.csv", "deep/*.npy", "summary.json"]) as temporary:
            write(temporary, "a.csv", "b.csv", "deep/x.npy", "summary.json")

    with pytest.raises(DataError, match=f"{obstacle}: expected a .* or nothing, found a (link|folder)"):
        replace()
    assert {name: text for name, text in content(folder).items() if "deep" not in name} == {
        "b.csv": "old",
        "summary.json": "old",
    }
    assert content(mine) == {"x.npy": "mine"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "out"]


def test_what_killed_runs_have_left_is_removed_and_nothing_else(tmp_path):
    # Larger than any process id.
    dead, alive = 2**30, os.getpid()
    left = make(tmp_path / f".out.{dead}.abcd_123.partial", a_csv="half", deep__x_npy="half")
    (left / f".summary.{dead}.partial.json").write_text("half")
    (left / "deep" / "thesis.docx").write_text("mine")
    make(tmp_path / f".out.{dead}.abcd_124.partial", a_csv="half", deep__x_npy="half")
    for name in (f".out.{alive}.abcd_123.partial", f".outer.{dead}.abcd_123.partial", ".out.mine.partial"):
        make(tmp_path / name, a_csv="mine")
    with replacing_files(tmp_path / "out", ["a.csv", "deep", "deep/*.npy", "summary.json"]) as temporary:
        write(temporary, "summary.json")
    assert content(tmp_path) == {
        "out/summary.json": "new",
        f".out.{dead}.abcd_123.partial/deep/thesis.docx": "mine",
        f".out.{alive}.abcd_123.partial/a.csv": "mine",
        f".outer.{dead}.abcd_123.partial/a.csv": "mine",
        ".out.mine.partial/a.csv": "mine",
    }
    assert not (tmp_path / f".out.{dead}.abcd_124.partial").exists()


def test_removing_leaves_what_is_not_named_and_the_folders_that_hold_it(tmp_path):
    folder = make(tmp_path / "resume", a_csv="old", deep__x_npy="old", deep__cv_docx="mine", data__y_npy="old")
    remove_files(folder, ["a.csv", "deep", "deep/*.npy", "data", "data/*.npy"])
    assert content(folder) == {"deep/cv.docx": "mine"}
    assert not (folder / "data").exists()
    (folder / "deep/cv.docx").unlink()
    remove_files(folder, ["deep"])
    assert list(tmp_path.iterdir()) == []


def test_a_second_run_in_a_folder_is_told_so(tmp_path):
    out = tmp_path / "new" / "out"
    with output_folder(out):
        with pytest.raises(DataError, match=rf"out: expected no other run .*process {os.getpid()} on .*end it"):
            output_folder(out).__enter__()
        with output_folder(out / "inner"):
            pass
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_was_there_or_holds_something_is_not_removed(tmp_path):
    (tmp_path / "empty").mkdir()
    with output_folder(tmp_path / "empty"):
        pass
    with output_folder(tmp_path / "full"):
        (tmp_path / "full" / "a.csv").touch()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "full"]
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["a.csv"]


def test_parts_of_one_run_share_a_folder_and_no_other_run_does(tmp_path):
    with output_folder(tmp_path, shared=True):
        with output_folder(tmp_path, shared=True):
            pass
        assert (tmp_path / LOCK).exists()
        with pytest.raises(DataError, match="expected no other run"):
            output_folder(tmp_path).__enter__()
    with output_folder(tmp_path), pytest.raises(DataError, match="expected no other run"):
        output_folder(tmp_path, shared=True).__enter__()
    assert list(tmp_path.iterdir()) == []


def test_a_part_that_begins_while_another_one_ends_is_not_refused(tmp_path, monkeypatch):
    """Whoever ends holds the lock alone for a moment, to remove the file."""
    try_lock, refused = folders._try_lock, []

    def taken_at_first(file, path, *, shared, wait):
        if shared and len(refused) < 3:
            refused.append(path)
            return False
        return try_lock(file, path, shared=shared, wait=wait)

    monkeypatch.setattr(folders, "_try_lock", taken_at_first)
    with output_folder(tmp_path, shared=True):
        assert len(refused) == 3


HOLD = """
import sys
from pathlib import Path
from molvae.folders import output_folder
with output_folder(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
"""


def holder(folder):
    """Start a process that holds the lock of a folder until there is a line on its standard input, or the end."""
    command = [sys.executable, "-c", HOLD, str(folder)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_a_crash_leaves_no_lock_behind(tmp_path):
    with holder(tmp_path) as process:
        assert process.stdout.readline() == "held\n"
        with pytest.raises(DataError, match=f"process {process.pid} on"):
            output_folder(tmp_path).__enter__()
        process.kill()
    with output_folder(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_forked_process_does_not_hold_the_lock_of_its_parent(tmp_path):
    with output_folder(tmp_path):
        [held] = map_within(
            lambda _: [
                os.readlink(f"/proc/self/fd/{n}") for n in range(3, 100) if os.path.exists(f"/proc/self/fd/{n}")
            ],
            [1],
            10.0,
        )
    assert not [name for name in held if LOCK in name]


def test_a_forked_process_closes_its_copies_once(tmp_path):
    def fork_and_leave():
        with output_folder(tmp_path):
            child = os.fork()
            if child == 0:
                # A file of its own, which may have got the number of the lock's copy.
                number = os.open(tmp_path / "own.txt", os.O_CREAT | os.O_RDWR)
                grandchild = os.fork()
                if grandchild == 0:
                    os._exit(0 if os.fstat(number).st_nlink else 1)
                os._exit(os.waitstatus_to_exitcode(os.waitpid(grandchild, 0)[1]))
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0

    fork_and_leave()


def test_a_file_that_is_called_as_a_lock_but_is_none_stays(tmp_path):
    (tmp_path / LOCK).write_text("mine")
    with pytest.raises(DataError, match="expected a lock of molvae or nothing, found another file"):
        output_folder(tmp_path).__enter__()
    assert (tmp_path / LOCK).read_text() == "mine"
    for left in ("", "process 1234567 on another.host"):
        (tmp_path / LOCK).write_text(left)
        with output_folder(tmp_path):
            assert (tmp_path / LOCK).read_text().startswith(f"process {os.getpid()} on ")
        assert not (tmp_path / LOCK).exists()


def test_without_locks_a_run_works_and_says_so_to_whoever_asks(tmp_path, monkeypatch, caplog):
    def refuse(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with caplog.at_level(logging.DEBUG, logger="molvae"), output_folder(tmp_path), output_folder(tmp_path):
        pass
    assert {record.levelno for record in caplog.records} == {logging.DEBUG}
    assert "no locks here" in caplog.text
    assert list(tmp_path.iterdir()) == []


def test_who_waits_for_a_lock_gets_it(tmp_path):
    with holder(tmp_path) as process:
        assert process.stdout.readline() == "held\n"
        with pytest.raises(LockedError), locked(tmp_path / LOCK):
            pass
        is_released = threading.Event()

        def release():
            is_released.set()
            process.stdin.write("\n")
            process.stdin.flush()

        # Once this thread waits; if it does not, the lock was taken before it was released.
        threading.Timer(0.2, release).start()
        with locked(tmp_path / LOCK, wait=True):
            assert is_released.is_set()
    assert list(tmp_path.iterdir()) == []


def test_a_lock_is_not_written_through_a_link(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    (tmp_path / LOCK).symlink_to("mine.txt")
    with pytest.raises(DataError, match="expected a writable folder"):
        output_folder(tmp_path).__enter__()
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_a_file_in_place_of_the_folder_is_one_clear_error(tmp_path):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(DataError, match="out: expected a writable folder, found otherwise"):
        output_folder(tmp_path / "out").__enter__()


def test_a_link_among_the_parts_is_refused_before_the_work(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "figures").symlink_to("mine")
    with pytest.raises(DataError, match="figures: expected a folder or nothing, found a link"):
        output_folder(tmp_path, "figures").__enter__()


def test_a_sealed_folder_is_whole_until_a_byte_changes(tmp_path):
    folder = make(tmp_path / "data", a_csv="abc", deep__x_npy="xyz")
    assert not is_whole(folder, WHOLE)
    seal(folder)
    (folder / "notes.txt").write_text("mine")
    assert is_whole(folder, WHOLE)
    for damage in ("abd", "", None):
        (folder / "a.csv").unlink()
        if damage is not None:
            (folder / "a.csv").write_text(damage)
        assert not is_whole(folder, WHOLE)
        (folder / "a.csv").write_text("abc")
        assert is_whole(folder, WHOLE)
    for damage in ("", "[]", "null", "{}", '{"other.txt": ""}'):
        (folder / "checksums.json").write_text(damage)
        assert not is_whole(folder, WHOLE)
