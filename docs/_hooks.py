"""Makes the pages of the documentation that are generated, and sets its equations.

The pages of settings and commands are made from `molvae.config` and `molvae.cli` while the documentation is built, so
that they cannot differ from what the program does. Equations become MathML, which browsers show without a script.
"""

import html
import inspect
import posixpath
import re
from collections.abc import Iterator
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import typer
from latex2mathml.converter import convert
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from molvae.cli.main import VERBS, app
from molvae.config import RunConfig
from molvae.section import Section

_EQUATION = re.compile(r'<(span|div) class="arithmatex">\\([(\[])(.*?)\\[)\]]</\1>', re.DOTALL)

_UPWARDS = re.compile(r"\[([^\]]*)\]\((\.\./[^)]*)\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages."""
    for name, content in {"settings.md": settings_page(), "verbs.md": verbs_page()}.items():
        files.append(File.generated(config, name, content=content))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Turn links to files outside of the documentation, `../benchmarks/...`, into their names in the repository."""
    folder = posixpath.dirname(page.file.src_uri)

    def named(link: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(folder, link[2]))
        return f"{link[1]} (`{target.removeprefix('../')}`)" if target.startswith("../") else link[0]

    return _UPWARDS.sub(named, markdown)


def on_page_content(content: str, **_: Any) -> str:
    """Turn the equations of a page into MathML."""
    return _EQUATION.sub(
        lambda found: convert(html.unescape(found[3]), display="inline" if found[2] == "(" else "block"), content
    )


def settings_page() -> str:
    """Return the page of all settings."""
    lines = [
        "# Every setting",
        "A run has one YAML file with a section for each stage. What is left out has its default. A misspelt or "
        "impossible value is refused before any job starts. On the command line, `--set section.key=value` goes over "
        "the file.",
    ]
    return "\n\n".join([*lines, *_section(RunConfig, "")])


def _section(section: type[Section], path: str) -> Iterator[str]:
    """Yield the tables of a section and of those within it."""
    fields = section.model_fields
    inner = {name: kind for name, field in fields.items() if (kind := _subsection(field.annotation))}
    if path:
        yield f"{'#' * min(2 + path.count('.'), 4)} {path}"
        yield " ".join((section.__doc__ or "").split())
    rows = [_row(name, field) for name, field in fields.items() if name not in inner]
    if rows:
        yield "\n".join(["| setting | values | default | |", "|---|---|---|---|", *rows])
    for name, kind in inner.items():
        yield from _section(kind, f"{path}.{name}".removeprefix("."))


def _subsection(annotation: Any) -> type[Section] | None:
    return annotation if isinstance(annotation, type) and issubclass(annotation, Section) else None


def _row(name: str, field: FieldInfo) -> str:
    default = field.get_default(call_default_factory=True)
    shown = "" if default is PydanticUndefined else f"`{_yaml(default)}`"
    values = ", ".join([_values(field.annotation), *_bounds(field.metadata)])
    cells = (f"`{name}`", values, shown, field.description)
    return f"| {' | '.join(map(_cell, cells))} |"


def _cell(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")


def _yaml(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_yaml, value))}]"
    return str(value)


def _values(annotation: Any) -> str:
    """Return which values a setting takes, in words."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return ", ".join([_values(arguments[0]), *_bounds(list(arguments[1:]))])
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in arguments)
    if origin in (Union, UnionType):
        return " or ".join("`null`" if kind is NoneType else _values(kind) for kind in arguments)
    if origin in (list, tuple):
        return f"list of: {_values(arguments[0])}" if arguments else "list"
    if origin is dict:
        return f"table of {_values(arguments[0])}: {_values(arguments[1])}"
    names = {int: "whole number", float: "number", str: "text", bool: "`true` or `false`"}
    return names.get(annotation, getattr(annotation, "__name__", str(annotation)))


def _bounds(metadata: list[Any]) -> Iterator[str]:
    words = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below", "min_length": "at least one of"}
    for constraint in metadata:
        for part in getattr(constraint, "metadata", None) or [constraint]:
            for name, word in words.items():
                if (bound := getattr(part, name, None)) is not None:
                    yield word if name == "min_length" else f"{word} {bound:g}"


def verbs_page() -> str:
    """Return the page of all commands."""
    group = typer.main.get_command(app)
    lines = ["# Every command", "`molvae VERB --help` shows the same. Exit status: 0 done, 1 failed, 2 wrong usage."]
    for panel, verbs in VERBS.items():
        lines.append(f"## {panel}")
        for verb in verbs:
            lines += _verb(verb, group.commands[verb])  # type: ignore[attr-defined]
    return "\n\n".join(lines)


def _verb(name: str, command: Any) -> Iterator[str]:
    yield f"### molvae {name}"
    yield inspect.cleandoc(command.help or "")
    rows = []
    for parameter in command.params:
        if parameter.name == "help":
            continue
        is_argument = parameter.param_type_name == "argument"
        shown = (parameter.metavar or parameter.name.upper()) if is_argument else ", ".join(parameter.opts)
        rows.append(f"| `{shown}` | {_cell(parameter.help)} |")
    yield "\n".join(["| | |", "|---|---|", *rows])
