"""What an objective file may say, listed from the registries: for `molvae objective --terms` and docs/objectives.md.

`python -m molvae.optimize.grammar docs/objectives.md` writes the list anew into the page.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel

from molvae.chem.descriptors import PROPERTIES
from molvae.optimize.desirability import DESIRABILITIES, Desirability
from molvae.optimize.parts import Constraint, Term
from molvae.optimize.quantities import QUANTITIES, Quantity
from molvae.optimize.spec import ObjectiveSpec

BEGIN, END = "<!-- begin: made by python -m molvae.optimize.grammar -->", "<!-- end -->"


@dataclass(frozen=True)
class Entry:
    """A key of an objective file.

    Attributes:
        key: Its name.
        summary: What it means, in one line.
        example: How it is used, as YAML on one line; empty for a plain value.
        options: The keys in it or beside it, each with what it means.
    """

    key: str
    summary: str
    example: str = ""
    options: tuple[tuple[str, str], ...] = ()


def sections() -> dict[str, list[Entry]]:
    """Return all keys by heading."""
    return {
        "The file": _fields(ObjectiveSpec),
        "Beside a quantity, in a term": _fields(Term, leave_out=("quantity", "desirability")),
        "Beside a quantity, in a constraint": _fields(Constraint, leave_out=("quantity",)),
        "Quantities: a term or constraint has exactly one": [_entry(kind, q) for kind, q in QUANTITIES.items()],
        "Desirabilities: a term has at most one": [_entry(name, kind) for name, kind in DESIRABILITIES.items()],
        "Properties: the names after property": [Entry(n, p.title_with_unit) for n, p in PROPERTIES.items()],
    }


def _fields(model: type[BaseModel], leave_out: Iterable[str] = ()) -> list[Entry]:
    return [Entry(name, meaning) for name, meaning in _meanings(model) if name not in leave_out]


def _meanings(model: type[BaseModel]) -> Iterator[tuple[str, str]]:
    """Yield the fields of a model, each with what it means and its default."""
    for name, field in model.model_fields.items():
        default = "" if field.is_required() or field.default in (None, "", ()) else f" By default {field.default}."
        yield name, " ".join((field.description or "").split()) + default


def _entry(key: str, kind: type[Quantity] | type[Desirability]) -> Entry:
    options = [(name, meaning) for name, meaning in _meanings(kind) if name != key]
    # What is asked of a quantity may be a mapping of its own.
    inner = kind.model_fields[key].annotation if key in kind.model_fields else None
    if isinstance(inner, type) and issubclass(inner, BaseModel):
        options = [*_meanings(inner), *options]
    only = " In constraints only." if getattr(kind, "constraint_only", False) else ""
    return Entry(key, kind.summary() + only, kind.example, tuple(options))


def as_text() -> str:
    """Return the list for a terminal."""
    lines = []
    for heading, entries in sections().items():
        lines.append(f"{heading}:")
        for entry in entries:
            lines.append(f"  {entry.key:<22}{entry.summary}")
            lines += [f"  {'':<22}  {name}: {meaning}" for name, meaning in entry.options]
            if entry.example:
                lines.append(f"  {'':<22}- {entry.example}")
    return "\n".join(lines)


def as_markdown() -> str:
    """Return the list for the page, between its marks."""
    lines = [BEGIN]
    for heading, entries in sections().items():
        lines += ["", f"### {heading}", "", "| key | meaning | example |", "|---|---|---|"]
        for entry in entries:
            options = "".join(f"<br>`{name}`: {meaning}" for name, meaning in entry.options)
            example = f"`{entry.example}`" if entry.example else ""
            lines.append(f"| `{entry.key}` | {entry.summary}{options} | {example} |")
    return "\n".join([*lines, "", END])


def with_list(page: str) -> str:
    """Return the text of a page with the list as it is now."""
    before, _, rest = page.partition(BEGIN)
    return before + as_markdown() + rest.partition(END)[2]


if __name__ == "__main__":
    import sys

    file = Path(sys.argv[1])
    file.write_text(with_list(file.read_text(encoding="utf-8")), encoding="utf-8")
