"""Tables and curves of the searches that `benchmarks/optimize.py` recorded, beside what others have published."""

import csv
import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from optimize_plan import BUDGET, CURVE_STEP, Plan

from molvae.errors import DataError
from molvae.files import read_json

PUBLISHED = Path(__file__).with_name("optimize_published.csv")
MISSING = "-"

# A record as `optimize_runs.execute` writes it.
Record = dict[str, Any]
Value = Callable[[Record], float | None]


def auc_top10(record: Record) -> float:
    return float(record["auc_top10"])


COLUMNS: dict[str, Value] = {
    "AUC top-1": lambda record: record["auc_top1"],
    "AUC top-10": auc_top10,
    "AUC top-100": lambda record: record["auc_top100"],
    "top-10 at 1,000": lambda record: record["top10_at"].get("1000"),
    "top-10 at 10,000": lambda record: record["top10_at"].get("10000"),
}
AT_LEAST = "≥ "
"""Stands before the areas of a search that was stopped: as if it had found nothing better in the calls it had left."""


def all_records(folder: Path) -> list[Record]:
    """Return the records of the searches, in the order of their files."""
    return [read_json(file) for file in sorted(folder.glob("*/*/seed-*.json"))]


def finished(records: Iterable[Record]) -> list[Record]:
    """Return the records of the searches that ended."""
    return [record for record in records if record["finished"]]


def published() -> dict[str, dict[str, float]]:
    """Return the published AUC top-10 by method and task."""
    with PUBLISHED.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    methods = [name for name in rows[0] if name != "task"]
    return {method: {row["task"]: float(row[method]) for row in rows} for method in methods}


def tables(folder: Path, plan: Plan) -> str:
    """Return the tables of all finished searches as Markdown, and what the default strategy reached in those stopped.

    Raises:
        DataError: If there is none.
    """
    everything = all_records(folder)
    records = finished(everything)
    if not records:
        raise DataError(f"{folder}: expected records of finished searches, found none; run some first")
    default = plan.searches[0].strategy
    own = [record for record in everything if record["budget"] == BUDGET and record["label"] == default]
    parts = [_tasks_table(own, plan)] if own else []
    for budget in sorted({record["budget"] for record in records}, reverse=True):
        at_budget = [record for record in records if record["budget"] == budget]
        title = f"AUC top-10 of all strategies and variants, {budget:,} calls:"
        parts.append(f"{title}\n\n{_labels_table(at_budget, default, plan)}")
    parts.append(_versions(records))
    return "\n\n".join(parts)


def _versions(records: Sequence[Record]) -> str:
    """Say by which versions of molvae the searches were run, since they may differ in what they find."""
    of_source = Counter(record["versions"]["source"][:8] for record in records)
    listed = ", ".join(
        f"`{source}` ({n})" for source, n in sorted(of_source.items(), key=lambda item: (-item[1], item))
    )
    return f"Source digests of the searches, and how many have them: {listed}."


def _tasks_table(records: Sequence[Record], plan: Plan) -> str:
    """Return a row a task: the default strategy beside the published methods, and the sums.

    Of a task whose searches were all stopped, these count.
    """
    of_task = {task: finished(same) or same for task, same in _grouped(records, "task").items()}
    others = published()
    header = ["task", *COLUMNS, "calls", "minutes", "seeds", *others, "best published"]
    rows = []
    for task in plan.tasks:
        done = of_task.get(task, [])
        own = [_reached(name, _mean(done, value), done) for name, value in COLUMNS.items()]
        beside = [values[task] for values in others.values()]
        calls = _mean(done, lambda record: record["n_calls"])
        minutes = _mean(done, lambda record: record["wall_minutes"])
        spent = [MISSING if calls is None else f"{calls:,.0f}", _number(minutes, 1), str(len(done))]
        rows.append([task, *own, *spent, *map(_number, [*beside, max(beside)])])
    done_tasks = [task for task in plan.tasks if task in of_task]
    rows.append(_sum_row("sum", done_tasks, of_task, others, plan))
    return _markdown(header, rows)


def _sum_row(
    title: str,
    tasks: Sequence[str],
    of_task: dict[str, list[Record]],
    others: dict[str, dict[str, float]],
    plan: Plan,
) -> list[str]:
    """Return the sums over the tasks that have a run, of all columns alike."""
    is_whole = len(tasks) == len(plan.tasks)
    name = f"**{title} of {len(tasks)}**" if is_whole else f"**{title} of the {len(tasks)} of {len(plan.tasks)} done**"
    every = [record for task in tasks for record in of_task[task]]
    means = {name: [_mean(of_task[task], value) for task in tasks] for name, value in COLUMNS.items()}
    own = [
        _reached(name, None if None in of_all else sum(filter(None, of_all)), every) for name, of_all in means.items()
    ]
    beside = [sum(values[task] for task in tasks) for values in others.values()]
    best = sum(max(values[task] for values in others.values()) for task in tasks)
    return [name, *own, "", "", "", *map(_number, [*beside, best])]


def _reached(name: str, value: float | None, records: Sequence[Record]) -> str:
    """Return a number of searches; the area of one that was stopped is a lower bound."""
    is_bound = name.startswith("AUC") and len(finished(records)) < len(records)
    return (AT_LEAST if is_bound and value is not None else "") + _number(value)


def _labels_table(records: Sequence[Record], default: str, plan: Plan) -> str:
    """Return a row a strategy or variant: the tuning tasks, their sum, and the paired difference to the default."""
    header = ["strategy", *plan.tuning, "sum", f"difference to `{default}`", "minutes", "seeds"]
    reference = {
        (record["task"], record["seed"]): auc_top10(record) for record in records if record["label"] == default
    }
    rows = []
    of_label = _grouped(records, "label")
    for label in sorted(of_label, key=lambda label: (label != default, label)):
        of_task = _grouped(of_label[label], "task")
        means = [_mean(of_task.get(task, []), auc_top10) for task in plan.tuning]
        done = [mean for mean in means if mean is not None]
        total = _number(sum(done)) + ("" if len(done) == len(means) else f" ({len(done)} of {len(means)})")
        pairs = [
            auc_top10(record) - reference[key]
            for record in of_label[label]
            if (key := (record["task"], record["seed"])) in reference and label != default
        ]
        difference = f"{statistics.fmean(pairs):+.3f} (n = {len(pairs)})" if pairs else MISSING
        seeds = sorted({len(of_task[task]) for task in plan.tuning if task in of_task})
        tuned = [record for task in plan.tuning for record in of_task.get(task, [])]
        minutes = _mean(tuned, lambda record: record["wall_minutes"])
        rows.append(
            [
                label,
                *map(_number, means),
                total,
                difference,
                _number(minutes, 1),
                " to ".join(map(str, seeds[:1] + seeds[1:][-1:])) or "0",
            ]
        )
    return _markdown(header, rows)


def save_chart(folder: Path, file: Path) -> None:
    """Draw the curves: mean of the ten best against the calls, a panel a task, a line a strategy.

    Variants, whose labels are not names of strategies, and searches of other budgets are left out.
    """
    # Not at import: a machine that only runs searches has no need of it.
    import altair as alt
    import pandas as pd

    whole = (record for record in finished(all_records(folder)) if record["budget"] == BUDGET)
    records = [record for record in whole if record["label"] == record["strategy"]]
    table = pd.DataFrame(
        {"task": task, "strategy": label, "calls": CURVE_STEP * (i + 1), "top10": statistics.fmean(values)}
        for (task, label), same in _grouped(records, "task", "label").items()
        for i, values in enumerate(zip(*(record["curve"] for record in same), strict=False))
    )
    line = alt.Chart(table).mark_line(strokeWidth=1.5)
    panel = line.encode(
        x=alt.X("calls:Q", title="oracle calls", axis=alt.Axis(tickCount=3, format=",d")),
        y=alt.Y("top10:Q", title="mean of the ten best", scale=alt.Scale(zero=False)),
        color=alt.Color("strategy:N", title=None, legend=alt.Legend(orient="top")),
    ).properties(width=190, height=120)
    chart = panel.facet(facet=alt.Facet("task:N", title=None), columns=4).resolve_scale(y="independent")
    chart.save(file)


def _grouped(records: Iterable[Record], *keys: str) -> dict[Any, list[Record]]:
    groups: dict[Any, list[Record]] = defaultdict(list)
    for record in records:
        values = tuple(record[key] for key in keys)
        groups[values if len(keys) > 1 else values[0]].append(record)
    return dict(groups)


def _mean(records: Sequence[Record], value: Value) -> float | None:
    """Return the mean over searches; None where one has no value, or where there is none."""
    values = [value(record) for record in records]
    known = [one for one in values if one is not None]
    return statistics.fmean(known) if known and len(known) == len(values) else None


def _number(value: float | None, digits: int = 3) -> str:
    return MISSING if value is None else f"{value:.{digits}f}"


def _markdown(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
