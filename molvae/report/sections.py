"""A section of the page, and the figures in it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from molvae.report.figures import Figure
from molvae.report.run_data import Run


@dataclass(frozen=True)
class Section:
    """A section of the page.

    Attributes:
        name: Its address in the page.
        title: Its heading and its entry in the table of contents.
        template: The template that shows it.
        content: What the template shows, as its variable `section`.
        figures: The charts in it, which are written to files too.
        file: Name of the file in `figures/` that repeats the section; empty for none.
    """

    name: str
    title: str
    template: str
    content: Mapping[str, Any] = field(default_factory=dict)
    figures: tuple[Figure, ...] = ()
    file: str = ""


SectionMaker: TypeAlias = Callable[[Run], Sequence[Section]]
"""A section, or one for each objective, or none, of a run."""
