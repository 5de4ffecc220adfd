"""Explain validation errors of settings in one line."""

import difflib
import reprlib
from collections.abc import Sequence
from typing import get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

RENAMED = {"train.rejected_shares": "train.rejected_fractions", "sample.max_nats": "sample.max_nll"}
"""Settings that molvae 0.1 called otherwise, and what they are called now."""

# A value may be of any size.
_SHOWN = reprlib.Repr()
_SHOWN.maxstring = _SHOWN.maxother = _SHOWN.maxlong = 200

# What is expected, by pydantic's name of the error, where pydantic's own words are about Python.
_EXPECTED = {
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), "a whole number"),
    **dict.fromkeys(("float_type", "float_parsing"), "a number"),
    **dict.fromkeys(("bool_type", "bool_parsing"), "true or false"),
    **dict.fromkeys(("list_type", "tuple_type"), "a list"),
    **dict.fromkeys(("string_type",), "text"),
    **dict.fromkeys(("dict_type",), "keys with values"),
}


def explain(root: type[BaseModel], error: ErrorDetails) -> str:
    """Return where a value violates the model `root`, the value, and what was expected."""
    where = _path(error["loc"])
    if where in RENAMED:
        return f"{where}: expected its new name, {RENAMED[where]}"
    if error["type"] == "extra_forbidden":
        known = list(_model_at(root, error["loc"][:-1]).model_fields)
        close = difflib.get_close_matches(str(error["loc"][-1]), known, n=1, cutoff=0.7)
        hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}"
        return f"{where}: expected a known setting, found an unknown one; {hint}"
    if error["type"] == "missing":
        return f"{where}: expected a value, found none"
    if error["type"] == "value_error":
        return f"{where}: {error['msg'].removeprefix('Value error, ')}".removeprefix(": ")
    return f"{where}: expected {_expected(root, error)}, found {_SHOWN.repr(error['input'])}"


def _expected(root: type[BaseModel], error: ErrorDetails) -> str:
    """Return what a value should be, in words of a settings file."""
    kind, context = error["type"], error.get("ctx", {})
    if kind in ("model_type", "model_attributes_type"):
        return f"settings by name ({', '.join(_model_at(root, error['loc']).model_fields)})"
    if kind == "too_short":
        return f"at least {context['min_length']} item{'s' * (context['min_length'] > 1)}"
    if kind == "string_pattern_mismatch":
        return f"text that matches {context['pattern']}"
    return _EXPECTED.get(kind) or error["msg"].removeprefix("Input should be ")


def _path(location: Sequence[int | str]) -> str:
    """Return `terms[1].window.low` for ("terms", 1, "window", "low")."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).removeprefix(".")


def _model_at(root: type[BaseModel], location: Sequence[int | str]) -> type[BaseModel]:
    """Return the model of the section at `location`, through lists and optional fields."""
    model = root
    for part in location:
        if isinstance(part, str):
            section = _first_model(model.model_fields[part].annotation)
            assert section is not None, "an unknown key can only be inside a model"
            model = section
    return model


def _first_model(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for inner in get_args(annotation) if (model := _first_model(inner)) is not None), None)
