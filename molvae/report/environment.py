"""The templates, and the style sheet and the script that every page has."""

from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from molvae.report.inline_svg import page_colour

CONTENT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data: blob:"
"""Forbids the page to load anything."""

STYLES = ("page.css", "figures.css", "table.css", "media.css")
SCRIPTS = (
    "sketch.js",
    "theme.js",
    "plot.js",
    "parallel.js",
    "export.js",
    "filters.js",
    "table.js",
    "map.js",
    "page.js",
)
"""Files in `templates/` that the page is made of, in their order: together they are one style sheet and one script."""


def page_environment() -> Environment:
    """Return the environment of the templates, which escapes everything that is not marked as safe here."""
    environment = Environment(
        loader=PackageLoader("molvae.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates = resources.files("molvae.report") / "templates"
    style, script = (
        Markup("\n".join((templates / name).read_text(encoding="utf-8") for name in names))
        for names in (STYLES, SCRIPTS)
    )
    environment.globals.update(style=style, script=script, content_policy=CONTENT_POLICY)
    environment.filters.update(safe_svg=Markup, page_colour=page_colour)
    return environment
