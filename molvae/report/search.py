"""How the search for each objective went."""

from molvae.report import figures, tables
from molvae.report.objective_text import objective_text
from molvae.report.run_data import Optimization, Run
from molvae.report.searches import by_origin
from molvae.report.sections import Section
from molvae.report.sentences import describe_optimization, title_of


def search_sections(run: Run) -> list[Section]:
    """Return the search for each objective."""
    return [_search(result, len(run.optimizations) > 1) for result in run.optimizations]


def _search(result: Optimization, is_one_of_several: bool) -> Section:
    summary, figure = result.search.summary, figures.optimization(result)
    content = {
        "figure": figure,
        "description": describe_optimization(result),
        "origins": tables.origins(by_origin(result.search.trace)),
        # Searches of earlier versions have not counted it.
        "constraints": tables.constraints(summary.get("constraints", {})),
        "objective": objective_text(summary.get("objective", {})),
    }
    title = f"Search: {title_of(result.objective)}" if is_one_of_several else "Search"
    return Section(f"optimization-{result.objective}", title, "search.html.j2", content, (figure,))
