"""Time the whole workflow by stage, and compare with the last committed times.

    make bench-demo                             # three runs of the demo
    python benchmarks/demo.py quick --runs 1    # one run of workflow/config/quick.yaml
    python benchmarks/demo.py demo quick --save # also write benchmarks/demo.json

The times are medians of the runs: seconds by the clock, and CPU seconds of all processes. Stages may overlap, so that
the whole takes less than their sum. `molvae.estimate` estimates the times of other runs from the saved ones.
"""

import argparse
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from measure import N_JOBS, ROOT

from molvae.config import load_config
from molvae.estimate import STAGES, Workload
from molvae.files import read_json, write_json
from molvae.version import __version__

TABLE = Path(__file__).with_suffix(".json")
CONFIGS = ("demo", "quick")
# At its end, every shell writes down its command and the CPU times of its processes. Snakemake's benchmark files have
# CPU times too, but without those of processes that ended before the job did.
CPU_TIMES = """trap '{ printf "%s\\n" "$BASH_EXECUTION_STRING"; times; } > "$CPU_TIMES/$$"' EXIT\n"""

# Stage -> `wall_s` and `cpu_s`, and the whole run as `total`.
Times = dict[str, dict[str, float]]


@dataclass(frozen=True)
class TimedRun:
    """A run of the workflow.

    Attributes:
        times: Its times.
        n_molecules: Molecules that it read.
    """

    times: Times
    n_molecules: int


def timed_run(name: str, n_cores: int) -> TimedRun:
    """Run the workflow from nothing in a scratch folder."""
    with tempfile.TemporaryDirectory(prefix="molvae-demo-") as scratch:
        folder = Path(scratch)
        for part in ("workflow", "data"):
            (folder / part).symlink_to(ROOT / part)
        (folder / "trap.sh").write_text(CPU_TIMES)
        (folder / "cpu_times").mkdir()
        # The statistics of reference molecules that an earlier run has cached would save work.
        scratch_files = {"BASH_ENV": "trap.sh", "CPU_TIMES": "cpu_times", "MOLVAE_CACHE": "cache"}
        environment = {**os.environ, **{key: str(folder / file) for key, file in scratch_files.items()}}
        # The saved times are those of CPUs, by which the time of a run is estimated.
        environment["CUDA_VISIBLE_DEVICES"] = ""
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--cores", str(n_cores)]
        command += ["--configfile", f"workflow/config/{name}.yaml"]
        begin = time.perf_counter()
        run = subprocess.run(command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True, check=False)
        wall_s = time.perf_counter() - begin
        if run.returncode:
            sys.exit(run.stderr)
        cpu_s = cpu_times(file.read_text() for file in (folder / "cpu_times").iterdir())
        results = folder / "results" / name
        times = stage_times(results / "benchmarks", cpu_s)
        n_molecules = int(read_json(results / "prepare" / "summary.json")["read"])
    return TimedRun({**times, "total": {"wall_s": wall_s, "cpu_s": sum(cpu_s.values())}}, n_molecules)


def cpu_times(shells: Iterable[str]) -> dict[str, float]:
    """Return the CPU seconds of each job by the name of its log file.

    Args:
        shells: What each shell wrote: its command, and the output of `times`: user and system, of itself and of its
            processes.
    """
    seconds: dict[str, float] = {}
    for text in shells:
        # A program that an objective calls may have shells of its own, whose times are among those of the job.
        if log := re.search(r"/logs/(\S+)\.log", text):
            times = re.findall(r"^(\d+)m([\d.]+)s (\d+)m([\d.]+)s$", text, flags=re.MULTILINE)
            seconds[log[1]] = sum(60 * float(m) + float(s) for line in times for m, s in (line[:2], line[2:]))
    return seconds


def stage_times(folder: Path, cpu_s: dict[str, float]) -> Times:
    """Return the times of each stage, from Snakemake's benchmark files and the CPU seconds of each job."""
    times: Times = {}
    for file in sorted(folder.glob("*.tsv")):
        wall_s = float(pd.read_csv(file, sep="\t")["s"].iloc[0])
        times[stage_of(file.stem)] = {"wall_s": wall_s, "cpu_s": cpu_s[file.stem]}
    return {stage: times[stage] for stage in STAGES}


def stage_of(job: str) -> str:
    """Return the stage of a job of a run with one objective, such as `optimize` of `optimize_zolpidem_follow_up`."""
    if job.startswith("score_") and job != "score_sample":
        return "score_candidates"
    return next((stage for stage in ("optimize_baseline", "optimize") if job.startswith(f"{stage}_")), job)


def medians(runs: list[Times]) -> Times:
    return {
        stage: {kind: round(statistics.median(run[stage][kind] for run in runs), 1) for kind in ("wall_s", "cpu_s")}
        for stage in (*STAGES, "total")
    }


def lines(times: Times, saved: Times) -> Iterator[str]:
    """Yield a table of the times, with their ratios to the saved ones."""
    yield f"{'':<20}{'wall s':>10}{'to saved':>10}{'CPU s':>10}{'to saved':>10}"
    for stage, seconds in times.items():
        cells = ""
        for kind, value in seconds.items():
            before = saved.get(stage, {}).get(kind)
            ratio = f"{value / before:.2f}" if before else "-"
            cells += f"{value:>10.1f}{ratio:>10}"
        yield f"{stage:<20}{cells}"


def record(name: str, runs: list[TimedRun], n_cores: int) -> dict[str, Any]:
    """Return where and what was measured; `molvae.estimate.MeasuredRun` reads it."""
    times = medians([run.times for run in runs])
    settings = load_config(ROOT / "workflow" / "config" / f"{name}.yaml")
    return {
        "machine": processor(),
        "molvae": __version__,
        "n_runs": len(runs),
        "n_cores": n_cores,
        "workload": asdict(Workload.of(settings, runs[0].n_molecules)),
        "stages": {stage: times[stage] for stage in STAGES},
        "total": times["total"],
    }


def processor() -> str:
    """Return the name of the processor, of which Python knows only the kind on Linux."""
    about = Path("/proc/cpuinfo")
    names = re.findall(r"model name\s*: (.+)", about.read_text()) if about.exists() else []
    return names[0] if names else platform.processor()


def main() -> None:
    parser = argparse.ArgumentParser(description="Time the whole workflow by stage.")
    parser.add_argument("configs", nargs="*", help=f"some of {', '.join(CONFIGS)}; demo by default")
    parser.add_argument("--runs", type=int, default=3, help="runs of each, of which the median is taken")
    parser.add_argument("--cores", type=int, default=N_JOBS, help="CPU cores; all by default")
    parser.add_argument("--save", action="store_true", help=f"write {TABLE.relative_to(ROOT)}")
    arguments = parser.parse_args()
    saved = read_json(TABLE) if TABLE.exists() else {}
    for name in arguments.configs or CONFIGS[:1]:
        if name not in CONFIGS:
            parser.error(f"expected some of {', '.join(CONFIGS)}, found {name}")
        before = saved.get(name, {})
        measured = record(name, [timed_run(name, arguments.cores) for _ in range(arguments.runs)], arguments.cores)
        print(f"{name}: {measured['machine']}, {arguments.cores} cores, median of {arguments.runs} runs")
        if before:
            print(f"saved: {before['machine']}, {before['n_cores']} cores, molvae {before['molvae']}")
        for line in lines(
            {**measured["stages"], "total": measured["total"]},
            {**before.get("stages", {}), "total": before.get("total", {})},
        ):
            print(line, flush=True)
        saved[name] = measured
        if arguments.save:
            write_json(TABLE, saved)


if __name__ == "__main__":
    main()
