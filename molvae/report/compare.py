"""Several runs on one page: what their settings differ in, and what came of it."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import altair as alt
import pandas as pd

from molvae.config import RunConfig
from molvae.files import invalidate, replacing
from molvae.provenance import settings_of, without_passwords
from molvae.report.best import k_best, n_common, n_training_best, training_top
from molvae.report.environment import page_environment
from molvae.report.figures import Figure, curve
from molvae.report.numerals import count, number, percent
from molvae.report.run_data import Run, load_run, value_of
from molvae.report.searches import n_new, new_top_mean
from molvae.report.sections import Section
from molvae.report.sentences import title_of

COLOURS = ("#0f62a6", "#6b7785", "#7fb2dd", "#b3bcc6")
"""Colours of the runs' curves, in their order; with more runs they come again, dashed."""


@dataclass(frozen=True)
class NamedRun:
    """A run and what the page calls it."""

    name: str
    run: Run


def compare(folders: Sequence[Path], config: RunConfig, out: Path) -> Path:
    """Write a page that compares runs.

    Args:
        folders: The runs' folders, at least two.
        config: Settings; those that the runs' stages recorded take precedence.
        out: The page to write.

    Returns:
        The page's path.

    Raises:
        DataError: If an output of a stage is missing or unreadable; the message names the stage.
    """
    runs = [NamedRun(name, load_run(folder, settings_of(folder, config))) for name, folder in _names(folders).items()]
    sections = [
        Section("results", "Results", "rows.html.j2", {"names": [r.name for r in runs], "rows": result_rows(runs)}),
        *(_search_section(objective, runs) for objective in shared_objectives(runs)),
        _settings_section(runs),
    ]
    content = {
        "title": "Comparison of runs",
        "run": ", ".join(named.name for named in runs),
        "byline": f"{', '.join(str(folder) for folder in folders)}",
        "sections": sections,
    }
    text = page_environment().get_template("page.html.j2").render(content)
    invalidate(out)
    with replacing(out) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return out


def _names(folders: Sequence[Path]) -> dict[str, Path]:
    """Name each run by its folder, with the folders above it as far as two have the same name."""
    for depth in range(1, max(len(folder.resolve().parts) for folder in folders) + 1):
        names = {"/".join(folder.resolve().parts[-depth:]): folder for folder in folders}
        if len(names) == len(folders):
            return names
    return {f"{folder} ({place})": folder for place, folder in enumerate(folders, start=1)}


def result_rows(runs: Sequence[NamedRun]) -> list[tuple[str, list[str], str]]:
    """Return the title of each result, its value for each run, and the mean and standard deviation over the runs."""
    rows: list[tuple[str, list[str], str]] = [
        ("Seed", [str(named.run.settings.seed) for named in runs], ""),
        ("Molecules kept", [count(len(named.run.preparation.molecules)) for named in runs], ""),
        ("Parameters of the model", [count(named.run.model.n_parameters) for named in runs], ""),
    ]
    exact = [value_of(named.run.evaluation.metrics, "exact_reconstruction") for named in runs]
    fcd = [value_of(named.run.samples.moses, "FCD/Test") for named in runs]
    novelty = [float("nan") if (n := named.run.samples.novelty) is None else n.value for named in runs]
    rows += [
        ("Reconstructed exactly", [percent(value) for value in exact], _spread(exact, is_fraction=True)),
        ("FCD to test set", [number(value) for value in fcd], _spread(fcd)),
        ("Samples not in the training set", [percent(value) for value in novelty], _spread(novelty, is_fraction=True)),
    ]
    return rows


def _spread(values: Sequence[float], is_fraction: bool = False) -> str:
    known = [value for value in values if value == value]
    if len(known) < 2:
        return "–"
    mean, deviation = statistics.mean(known), statistics.stdev(known)
    return f"{percent(mean)} ± {percent(deviation)}" if is_fraction else f"{number(mean, 3)} ± {number(deviation, 3)}"


def shared_objectives(runs: Sequence[NamedRun]) -> list[str]:
    """Return the objectives that at least two runs searched for."""
    names = [result.objective for named in runs for result in named.run.optimizations]
    return [name for name in dict.fromkeys(names) if names.count(name) > 1]


def _search_section(objective: str, runs: Sequence[NamedRun]) -> Section:
    results = {
        named.name: result for named in runs for result in named.run.optimizations if result.objective == objective
    }
    searches = [result.search for result in results.values()]
    # Over equally many in all runs, apart from runs that have none.
    k = n_common(*(filter(None, (n_new(search.trace) for search in searches))))
    k_training = n_common(*(filter(None, map(n_training_best, searches))))
    best = [new_top_mean(search.trace, k) for search in searches]
    training = [training_top(search, k_training) for search in searches]
    # A search writes canonical SMILES.
    proposed = [set(result.candidates["smiles"]) for result in results.values()]
    shared = [sum(any(one in other for other in proposed if other is not own) for one in own) for own in proposed]
    of_training = f"Mean score of the {k_best(k_training, 'training molecule')}"
    rows = [
        ("Oracle calls", [count(len(result.search.trace)) for result in results.values()], ""),
        ("New molecules within the constraints", [count(n_new(r.search.trace)) for r in results.values()], ""),
        (f"Mean score of the {k_best(k, 'new molecule')}", [number(value, 3) for value in best], _spread(best)),
        (of_training, ["–" if value is None else number(value, 3) for value in training], ""),
        ("Candidates", [count(len(result.candidates)) for result in results.values()], ""),
        ("… that another run has too", [count(n) for n in shared], ""),
    ]
    traces = {name: result.search.trace for name, result in results.items()}
    content = {"names": list(results), "rows": rows, "figure": _curves(objective, traces)}
    return Section(f"search-{objective}", f"Search: {title_of(objective)}", "rows.html.j2", content)


def _curves(objective: str, traces: Mapping[str, pd.DataFrame]) -> Figure:
    table = pd.concat([curve(trace, 10, name) for name, trace in traces.items()])
    names = list(traces)
    colours = alt.Scale(domain=names, range=[COLOURS[place % len(COLOURS)] for place in range(len(names))])
    dashes = alt.Scale(domain=names, range=[[1, 0] if n < len(COLOURS) else [5, 3] for n in range(len(names))])
    lines: alt.Chart = alt.Chart(table).mark_line(interpolate="step-after", strokeWidth=2)
    chart = lines.encode(
        x=alt.X("call:Q", title="Oracle calls", scale=alt.Scale(nice=False)),
        y=alt.Y("score:Q", title="Score", scale=alt.Scale(zero=False)),
        color=alt.Color("curve:N", title=None, scale=colours),
        strokeDash=alt.StrokeDash("curve:N", title=None, scale=dashes),
    )
    caption = "Mean of the ten best scores so far, over the molecules that satisfy the constraints, for each run."
    good = "Curves that rise early, and that lie close together where runs differ only in their seed."
    panel = chart.properties(title="Ten best scores against oracle calls", height=320)
    return Figure(f"search_{objective}", "Searches compared", caption, (panel,), good=good)


def _settings_section(runs: Sequence[NamedRun]) -> Section:
    shown = [without_passwords(named.run.settings.model_dump(mode="json")) for named in runs]
    rows = differing_settings(shown)
    content = {"names": [named.name for named in runs], "rows": [(name, values, "") for name, values in rows]}
    return Section("settings", "Settings that differ", "rows.html.j2", content)


def differing_settings(settings: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[str]]]:
    """Return the settings whose values are not the same in all runs, with the value of each run."""
    flat = [_flat(own) for own in settings]
    names = dict.fromkeys(name for own in flat for name in own)
    values = {name: [own.get(name, "–") for own in flat] for name in names}
    return [(name, texts) for name, texts in values.items() if len(set(texts)) > 1 and name != "run"]


def _flat(settings: Mapping[str, Any], above: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in settings.items():
        name = f"{above}{key}"
        flat |= _flat(value, f"{name}.") if isinstance(value, Mapping) and value else {name: str(value)}
    return flat
