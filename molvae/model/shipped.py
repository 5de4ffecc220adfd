"""The trained models that come with molvae, by name."""

import difflib
from collections.abc import Collection
from pathlib import Path

from molvae.errors import DataError
from molvae.files import read_json

_PACKAGE = Path(__file__).parents[1]
# Of an installed package, and of a clone of the repository.
HOMES = (_PACKAGE / "models", _PACKAGE.parent / "data" / "models")


def shipped_models() -> dict[str, Path]:
    """Return the folders of the models that come with molvae, by name."""
    folders = (path.parent for home in HOMES for path in sorted(home.glob("*/config.json")))
    return {folder.name: folder for folder in folders}


def model_folder(model: str | Path) -> Path:
    """Return the folder of a model.

    Args:
        model: A model's folder, or the name of one that comes with molvae; a folder that contains a model takes
            precedence.

    Raises:
        DataError: If it is neither.
    """
    folder = Path(model)
    if (folder / "config.json").exists():
        return folder
    shipped = shipped_models()
    if str(model) in shipped:
        return shipped[str(model)]
    if folder.exists():
        raise DataError(f"{folder}: expected a folder that `molvae train` wrote, found no config.json in it")
    close = difflib.get_close_matches(str(model), shipped, n=1)
    hint = f"; did you mean {close[0]}?" if close else "; check the path or run the stage before"
    raise DataError(
        f"{model}: expected a model's folder, or the name of a model that comes with molvae "
        f"({', '.join(shipped) or 'there is none'}), found neither{hint}"
    )


def model_tokens(folder: Path) -> frozenset[str]:
    """Return the tokens of a model.

    Raises:
        DataError: If its vocabulary is missing.
    """
    return frozenset(read_json(folder / "vocabulary.json", ["tokens"])["tokens"])


def models_that_know(tokens: Collection[str]) -> list[str]:
    """Return the names of the models that come with molvae and know all of these tokens."""
    return [name for name, folder in shipped_models().items() if model_tokens(folder).issuperset(tokens)]
