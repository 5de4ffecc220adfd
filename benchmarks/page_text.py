"""Puts generated text into a page of the documentation, between two markers that name the script."""

from pathlib import Path

from molvae.errors import DataError


def insert(text: str, page: Path, script: str) -> None:
    """Replace what is between the markers of a script.

    Args:
        text: The new text.
        page: The page.
        script: The script's path in the repository.

    Raises:
        DataError: If the page has not got the markers.
    """
    begin, end = (f"<!-- {edge} {script} table -->" for edge in ("begin", "end"))
    content = page.read_text(encoding="utf-8")
    before, found, rest = content.partition(begin)
    _, last, after = rest.partition(end)
    if not found or not last:
        raise DataError(f"{page}: expected the lines {begin} and {end}, found not both; add them where the text goes")
    page.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}", encoding="utf-8")
