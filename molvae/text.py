"""Text that comes from others, made harmless where it is written: in tables, SD files and on terminals."""

import json
import re
import unicodedata
from typing import Any

import numpy as np
import pandas as pd

# Control and format characters, which end lines, move a terminal's cursor or turn the direction of text, and separators
# of lines.
_NOT_IN_NAMES = {"Cc", "Cf", "Cs", "Zl", "Zp"}
# What a spreadsheet takes for the beginning of a formula.
_FORMULA = ("=", "+", "-", "@", "\t")
# Numbers with decimal commas, and the marks of an assay.
_NO_FORMULA = re.compile(r"[-+]?[0-9.,]+(?:[eE][-+]?[0-9]+)?|[-+]+")


def printable(text: str) -> str:
    """Return text with all that is not visible as escapes, so that a row of a table stays on its line."""
    return text if text.isprintable() else "".join(c if c.isprintable() else _escaped(c) for c in text)


def one_line(name: str) -> str:
    """Return a name with control characters and ends of lines as escapes; other blanks stay as they are."""
    if name.isprintable():
        return name
    return "".join(_escaped(c) if unicodedata.category(c) in _NOT_IN_NAMES else c for c in name)


def shortened(text: str, n: int = 500) -> str:
    """Return a text of at most n characters that UTF-8 can write; of a longer one the first, and how many there are."""
    # What a program wrote in another encoding may have come as half characters, which no file takes.
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    if len(text) <= n:
        return text
    end = f" … ({len(text):,} characters)"
    return f"{text[: n - len(end)]}{end}"


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode()


def spreadsheet_safe(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table in which no text, nor the name of a column, is a formula to a spreadsheet.

    What would be one is put behind an apostrophe. Numbers and SMILES never are.
    """
    texts = [name for name, dtype in table.dtypes.items() if not pd.api.types.is_numeric_dtype(dtype)]
    safe = table.copy()
    for name in texts:
        safe[name] = table[name].map(_cell)
    return safe.rename(columns=_cell)


def flat(value: Any) -> Any:
    """Return the value of a cell as a file of texts can hold it: a list, as of a Parquet table, is JSON."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    return json.dumps(value, default=str) if isinstance(value, list | tuple | dict) else value


def _cell(value: object) -> object:
    value = flat(value)
    if not isinstance(value, str):
        return value
    # pandas writes it without quotes, and reads it as the end of a line.
    text = value.replace("\r", "\\r")
    if not text.startswith(_FORMULA) or _NO_FORMULA.fullmatch(text):
        return text
    try:
        float(text)
    except ValueError:
        return f"'{text}"
    return text
