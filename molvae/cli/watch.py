"""`molvae watch`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from molvae.watching import Job

_SECONDS_BETWEEN_LOOKS = 2.0
_COLOURS = {"waiting": "dim", "running": "bold", "done": "green", "failed": "bold red"}


def watch(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder, results/<run>, or a project with one run.")],
) -> None:
    """Show the stages of a run while it goes on: what is done, rate, time left, training losses and the best score.

    Reads the run's logs and changes nothing, so that it may be started and ended (Ctrl-C) at any time, also for a run
    on a cluster that shares the folder. Ends when the run does, with status 1 if a job has failed. Where the output is
    not a terminal, it shows the run once.
    """
    import time

    from rich.console import Console
    from rich.live import Live

    from molvae.errors import DataError
    from molvae.watching import is_over, read_jobs, run_folder

    run = run_folder(run)
    console = Console()
    jobs = read_jobs(run)
    if not console.is_terminal:
        console.print(_table(run, jobs))
    else:
        with Live(_table(run, jobs), console=console, auto_refresh=False) as live:
            while not is_over(jobs):
                time.sleep(_SECONDS_BETWEEN_LOOKS)
                jobs = read_jobs(run)
                live.update(_table(run, jobs), refresh=True)
    if failed := [job.name for job in jobs if job.state == "failed"]:
        raise DataError(f"{run}: expected all jobs to succeed, found that {', '.join(failed)} failed; see {run}/logs/")
    if (page := run / "report.html").exists() and is_over(jobs):
        typer.echo(f"report: {page}")


def _table(run: Path, jobs: Sequence["Job"]) -> "Table":
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from molvae.log import duration

    table = Table(title=f"{run}", title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("job", no_wrap=True)
    for name in ("state", "done", "rate", "time"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("latest", overflow="fold")
    for job in jobs:
        progress = job.progress
        cells = ["", "", ""]
        if progress is not None:
            left = f"{duration(progress.left_s)} left" if progress.left_s < float("inf") else ""
            cells = [f"{progress.done / progress.total:.0%}", f"{progress.rate}/s", left]
        elif job.seconds is not None:
            cells = ["", "", duration(job.seconds)]
        best = "" if job.best is None else f"best ten {job.best:.3f} on average"
        what = "" if progress is None else progress.what
        # As text: what a log says may look like markup.
        latest = Text("; ".join(filter(None, [best, what, job.detail])))
        table.add_row(Text(job.name), Text(job.state, _COLOURS[job.state]), *cells, latest)
    return table
