"""Measure search strategies on PMO's tasks: mean of the best scores against oracle calls, one black-box number a call.

    python benchmarks/optimize.py run --out DIR --processes 2       # all of optimize.yaml; resumes what was stopped
    python benchmarks/optimize.py run --out DIR --strategies latent --tasks tuning --seeds 1 2 3
    python benchmarks/optimize.py run --out DIR --strategies latent --tasks median2 --seeds 1 \
        --label latent-greedy --set latent.x=0                      # a variant, under a label of its own
    python benchmarks/optimize.py table DIR                         # Markdown of all finished runs
    python benchmarks/optimize.py table DIR --into docs/optimize.md --chart docs/optimize.svg

`snakemake benchmark_optimize` runs the same searches as jobs of a workflow. Each search is a process with one thread,
and its record a small JSON file, `DIR/<label>/<task>/seed-<n>.json`, that is written when the search ends.
"""

import argparse
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

# As in the workflow: idle threads sleep. One thread a search: the searches run side by side.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OMP_NUM_THREADS", "1")

from optimize_plan import BUDGET, Plan, Run
from optimize_table import save_chart, tables
from page_text import insert

from molvae.errors import MolvaeError


def main(arguments: list[str] | None = None) -> int:
    """Run what the command line asks for; return the exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.verb is run_all and options.set and not options.label:
        parser.error("expected --label NAME with --set, so that the variant does not pass for the strategy")
    try:
        status: int = options.verb(options)
    except MolvaeError as error:
        print(f"{error}", file=sys.stderr)
        return error.exit_status
    return status


def chosen_runs(options: argparse.Namespace) -> list[Run]:
    """Return the searches that the command line asks for, or those of the plan."""
    plan = Plan.read()
    runs = list(plan.runs())
    if options.strategies:
        # What the plan sets for a strategy belongs to it; of several budgets, the first counts.
        planned = {run.label: run for run in reversed(runs)}
        searches = [planned.get(name, Run(name, name, "", 0)) for name in options.strategies]
        tasks = plan.tasks_of(options.tasks)
        runs = [replace(run, task=task, seed=seed) for seed in options.seeds for run in searches for task in tasks]
    return [
        replace(
            run,
            label=options.label or run.label,
            settings=(*run.settings, *options.set),
            budget=options.budget or run.budget,
            model=options.model or plan.model,
            library=options.library,
        )
        for run in runs
    ]


def run_all(options: argparse.Namespace) -> int:
    """Run the searches that are not done, each in a process of its own."""
    runs = [run for run in chosen_runs(options) if not run.is_done(options.out)]
    for run in runs:
        # A wrong setting ends here, in one line, and not in each of the processes.
        run.config  # noqa: B018
    deadline = None if options.time_limit is None else time.monotonic() + options.time_limit
    with ThreadPoolExecutor(options.processes) as pool:
        statuses = list(pool.map(lambda run: _in_process(run, options.out, deadline), runs))
    return int(any(statuses))


def _in_process(run: Run, out: Path, deadline: float | None) -> int:
    left = None if deadline is None else deadline - time.monotonic()
    if left is not None and left <= 0.0:
        return 0
    log = out / f"{run.name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    limit = [] if left is None else ["--time-limit", f"{left:.0f}"]
    command = [sys.executable, __file__, "one", *run.arguments, "--out", str(out), *limit]
    with log.open("w", encoding="utf-8") as stream:
        status = subprocess.run(command, stdout=stream, stderr=subprocess.STDOUT, check=False).returncode
    lines = log.read_text(encoding="utf-8").splitlines() or ["no output"]
    print(lines[-1] if status == 0 else f"{run.name}: failed; the last line of {log}: {lines[-1]}", flush=True)
    return status


def run_one(options: argparse.Namespace) -> int:
    """Run one search in this process."""
    # Loads torch, of which the process that starts the searches and makes the tables has no need.
    from optimize_runs import execute

    run = Run(
        *(options.label, options.strategy, options.task, options.seed, tuple(options.set)),
        *(options.budget, options.model, options.library),
    )
    record = execute(run, options.out, options.time_limit)
    print(
        f"{run.name}: AUC top-10 {record['auc_top10']:.3f} after {record['n_calls']:,} calls, "
        f"{record['wall_minutes']:.1f} min{'' if record['finished'] else ', stopped at the time limit'}"
    )
    return 0


def print_tables(options: argparse.Namespace) -> int:
    """Print the tables, or put them into a page between its markers, and draw the curves."""
    text = tables(options.folder, Plan.read())
    if options.into is None:
        print(text)
    else:
        insert(text, options.into, "benchmarks/optimize.py")
    if options.chart is not None:
        save_chart(options.folder, options.chart)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Measure search strategies on PMO's tasks.")
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    run = verbs.add_parser("run", help="run searches side by side; those that are done are skipped")
    run.add_argument("--strategies", nargs="+", help="strategies or labels of the plan; all of the plan by default")
    run.add_argument("--tasks", nargs="+", default=["all"], help="objectives, or all, tuning, ablation, others")
    run.add_argument("--seeds", nargs="+", type=int, default=[1])
    run.add_argument("--processes", type=int, default=1, help="searches at a time, each with one thread")
    run.add_argument("--label", help="name of the variant that --set makes")
    run.add_argument("--budget", type=int, help=f"oracle calls; those of the plan by default, or {BUDGET:,}")
    run.add_argument("--model", help="model; that of the plan by default")
    run.set_defaults(verb=run_all)
    one = verbs.add_parser("one", help="run one search in this process")
    for name in ("label", "strategy", "task"):
        one.add_argument(name)
    one.add_argument("seed", type=int)
    one.add_argument("--budget", type=int, default=BUDGET)
    one.add_argument("--model", default="zinc250k")
    one.set_defaults(verb=run_one)
    for verb in (run, one):
        verb.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="setting of optimize")
        verb.add_argument("--library", help="file of SMILES, of which half of the start molecules are drawn")
        verb.add_argument("--out", type=Path, default=Path("results/benchmark_optimize"))
        verb.add_argument("--time-limit", type=float, help="seconds after which to stop; a later call resumes")
    table = verbs.add_parser("table", help="print the results as Markdown")
    table.add_argument("folder", type=Path)
    table.add_argument("--into", type=Path, help="Markdown page to put the tables into, between its markers")
    table.add_argument("--chart", type=Path, help="file to draw the curves into, .svg or .png")
    table.set_defaults(verb=print_tables)
    return parser


if __name__ == "__main__":
    sys.exit(main())
