"""Lay the project of a series, and run the workflow in it."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from molvae.errors import DataError
from molvae.folders import LOCK, holder, output_folder
from molvae.new_project import CONFIG, OBJECTIVE, path_from, write_project
from molvae.series.plan import SeriesPlan
from molvae.series.texts import config_text, objective_text

_NOT_OF_A_NAME = re.compile(r"[^A-Za-z0-9_.-]+|^[^A-Za-z0-9]+")


def default_folder(table: Path) -> Path:
    """Return the name of a table without its endings, as the name of a folder."""
    return Path(_NOT_OF_A_NAME.sub("_", table.name.split(".")[0]).strip("_") or "series")


def lay_series(folder: Path, plan: SeriesPlan, minutes: float) -> None:
    """Write the project of a series; one that has the same config and objective already is left as it is, to go on.

    Raises:
        ConfigError: If the folder's name cannot be that of a run.
        DataError: If there is something else of this name, or it cannot be written.
    """
    name, data = folder.resolve().name, path_from(folder, plan.look.path)
    texts = {CONFIG: config_text(plan, name, data, minutes), OBJECTIVE: objective_text(plan, name, data)}
    if not (folder / CONFIG).is_file():
        write_project(folder, texts)
    elif others := [file for file, text in texts.items() if _text_of(folder / file) != text]:
        raise DataError(
            f"{folder}: expected nothing of this name, or what this command wrote, found another "
            f"{' and '.join(others)}; run `snakemake --cores N --configfile {CONFIG}` in it, or, to begin anew, remove "
            "the folder or give another --out"
        )


def _text_of(file: Path) -> str | None:
    return file.read_text(encoding="utf-8") if file.is_file() else None


def report_of(folder: Path) -> Path:
    """Return the report that a run of the project writes."""
    return folder / "results" / folder.resolve().name / "report.html"


def run_workflow(folder: Path, cores: int) -> int:
    """Run the workflow in a project's folder, in a process group of its own, to which every interrupt is passed on.

    It is interrupted as well where this process is killed. Where Snakemake was, its lock is removed first.

    Returns:
        The exit status of Snakemake.

    Raises:
        DataError: If the folder cannot be written, or a run is at work in it.
        KeyboardInterrupt: If it was interrupted, when it has ended.
    """
    command = [sys.executable, "-m", "snakemake", "--cores", str(cores), "--configfile", CONFIG]
    # What ends by itself removes its lock.
    was_killed = holder(folder / LOCK) is not None
    with output_folder(folder) as lock:
        if was_killed:
            if any((folder / ".snakemake" / "locks").glob("*.lock")):
                subprocess.run([*command, "--unlock"], cwd=folder, check=False)
            command.append("--rerun-incomplete")
        return _run(command, folder, lock)


def _run(command: list[str], folder: Path, lock: int) -> int:
    """Run a command that holds a lock as well, since it may outlive this process by some seconds."""
    is_interrupted = False
    # The background jobs of a script ignore interrupts, and so would what they start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with (
        subprocess.Popen(command, cwd=folder, start_new_session=True, pass_fds=(lock,)) as process,
        _interrupted_with_this_process(process.pid),
    ):
        while True:
            try:
                status = process.wait()
            except KeyboardInterrupt:
                is_interrupted = True
                # It may have ended in the meantime.
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGINT)
            else:
                break
    if is_interrupted:
        raise KeyboardInterrupt
    return status if status >= 0 else 128 - status


@contextmanager
def _interrupted_with_this_process(group: int) -> Iterator[None]:
    """Have a process group interrupted when this process ends without a word of its own, as by kill -9."""
    # The end of this process closes the pipe that the shell reads.
    command = ["sh", "-c", 'read -r line; kill -s INT -- "-$0"', str(group)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True) as shell:
        try:
            yield
        finally:
            shell.kill()
