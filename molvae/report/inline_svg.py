"""Charts as parts of the page: in its colours, light or dark, and with ids and labels of their own."""

import re
from dataclasses import dataclass

COLOURS = {
    "#0f62a6": "accent",
    "#7fb2dd": "accent-light",
    "#6b7785": "reference",
    "#b3bcc6": "pale",
    "#c5ccd4": "axis",
    "#eaeef2": "grid",
    "#54606c": "soft",
    "#1c2633": "ink",
}
"""Names of the page's colours, by the colours that charts are drawn in."""

_ROOT = re.compile(r"<svg[^>]*?width=\"(\d+(?:\.\d+)?)\"[^>]*>")
_LABEL = re.compile(r' aria-label="([^"]*)"')
_ROLE = re.compile(r' (?:role|aria-hidden|aria-roledescription|pointer-events)="[^"]*"')
_MARK = re.compile(
    r' aria-label="([^"]*)" role="graphics-symbol" aria-roledescription="(?:point|bar|circle|rect mark|rule mark)"'
)
_ID = re.compile(r'( id="|url\(#)')
_COLOUR = re.compile("|".join(COLOURS), re.IGNORECASE)
_EMPTY = re.compile(r'<path class="(?:background|foreground)"[^>]*d="(?:M0,0h0v0h0Z)?"[^>]*/>')
_NUMBER = re.compile(r"-?\d+\.\d{5,}")


@dataclass(frozen=True)
class Drawing:
    """A chart for the page.

    Attributes:
        title: What it is called.
        svg: An `<svg>` element that scales to its place.
        width: Its natural width, in pixels.
    """

    title: str
    svg: str
    width: int


def inline(svg: str, title: str, prefix: str) -> Drawing:
    """Return a chart as a part of the page.

    Args:
        svg: The chart as Vega writes it.
        title: What it is called, for those who do not see it.
        prefix: What its ids begin with, since ids hold for the whole page.
    """
    root = _ROOT.search(svg)
    width = round(float(root.group(1))) if root else 0
    # The labels of marks become tooltips; all others repeat what stands in the chart.
    text = _MARK.sub(lambda mark: f' data-tip="{_tip(mark.group(1))}"', _EMPTY.sub("", svg))
    text = _ROLE.sub("", _LABEL.sub("", text))
    text = _ID.sub(rf"\g<1>{prefix}-", text)
    text = _COLOUR.sub(lambda colour: page_colour(colour.group()), text)
    text = re.sub(r"<svg[^>]*?(viewBox=\"[^\"]*\")[^>]*>", r"<svg \1>", text, count=1)
    text = text.replace("<svg ", f'<svg role="img" aria-label="{_escaped(title)}" ', 1)
    return Drawing(title, text, width)


def page_colour(colour: str) -> str:
    """Return one of the charts' colours as one of the page's."""
    return f"var(--{COLOURS[colour.lower()]})"


def _tip(label: str) -> str:
    """Return the label of a mark without what it says twice, once as a value of an axis and once for the reader."""
    parts: dict[str, str] = {}
    for part in label.split("; "):
        name, _, value = part.partition(": ")
        if not _NUMBER.fullmatch(value):
            parts[name.lower()] = part
    return "; ".join(parts.values())


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
