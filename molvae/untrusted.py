"""Read text, JSON and YAML that may come from anyone: their size and depth are bounded before memory is taken."""

import json
from pathlib import Path
from typing import Any

import yaml

from molvae.errors import DataError

MAX_BYTES = 100_000_000
"""More than any file of settings or metrics has, and little enough to be read."""

MAX_YAML_VALUES = 1_000_000
"""More than any file of settings has, where the values of an alias are counted as often as it occurs."""


def read_utf8(path: Path) -> str:
    """Read a text file of settings or results; a device, a pipe or a huge file is refused instead of read.

    Raises:
        DataError: If the file is missing, cannot be read, is not a regular file, or is larger than `MAX_BYTES`.
        UnicodeDecodeError: If it is not UTF-8.
    """
    if not path.exists():
        raise DataError(f"{path}: expected a file or folder here, found none; check the path or run the stage before")
    if not path.is_file():
        raise DataError(f"{path}: expected a file, found a folder, a device or a pipe; check the path")
    try:
        n_bytes = path.stat().st_size
        if n_bytes > MAX_BYTES:
            raise DataError(f"{path}: expected at most {MAX_BYTES:,} bytes, found {n_bytes:,}; check the path")
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise DataError(f"{path}: expected a file that can be read, found otherwise ({error.strerror})") from error


def parse_json(text: str) -> Any:
    """Return the content of a JSON text.

    Raises:
        ValueError: If it is not JSON, nested too deeply, or has a number of thousands of digits.
    """
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def parse_yaml(text: str) -> Any:
    """Return the content of a YAML text.

    Raises:
        yaml.YAMLError: If it is not YAML, is nested too deeply, or grows far beyond its length by aliases.
    """
    try:
        if _n_values(yaml.compose(text, yaml.SafeLoader), {}) > MAX_YAML_VALUES:
            raise yaml.YAMLError(f"more than {MAX_YAML_VALUES:,} values, by its aliases")
        return yaml.safe_load(text)
    except RecursionError as error:
        raise yaml.YAMLError("nested too deeply") from error
    # What a scalar of YAML cannot be, such as a date of month 13 or an integer of thousands of digits.
    except (ValueError, AttributeError, KeyError) as error:
        raise yaml.YAMLError(str(error)) from error


def _n_values(node: yaml.Node | None, known: dict[yaml.Node, int]) -> int:
    """Return how many values a node has, those of an alias counted wherever it occurs."""
    if not isinstance(node, yaml.CollectionNode):
        return 1
    if node not in known:
        # Until it is known: a node may contain itself.
        known[node] = MAX_YAML_VALUES
        pairs = node.value if isinstance(node, yaml.MappingNode) else [(child,) for child in node.value]
        known[node] = 1 + sum(_n_values(child, known) for pair in pairs for child in pair)
    return known[node]
