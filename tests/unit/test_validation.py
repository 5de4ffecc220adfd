"""The one-line explanations of wrong settings."""

import pytest
from pydantic import ValidationError

from molvae.section import Section
from molvae.validation import explain


class Inner(Section):
    size: int = 1


class Outer(Section):
    name: str
    parts: tuple[Inner, ...] = ()
    one: Inner | None = None


def explained(content):
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate(content)
    return [explain(Outer, error) for error in caught.value.errors()]


def test_unknown_key_names_the_nearest_at_its_own_depth():
    assert explained({"name": "x", "parts": [{}, {"sise": 2}]}) == [
        "parts[1].sise: expected a known setting, found an unknown one; did you mean size?"
    ]
    assert explained({"name": "x", "one": {"sise": 2}})[0].endswith("did you mean size?")


def test_unknown_key_like_no_other_lists_the_known_ones():
    assert explained({"name": "x", "quux": 2}) == [
        "quux: expected a known setting, found an unknown one; known are name, parts, one"
    ]


def test_missing_and_wrong_values_are_told_apart():
    assert explained({}) == ["name: expected a value, found none"]
    assert explained({"name": "x", "one": {"size": "big"}}) == [
        "one.size: expected a valid integer, unable to parse string as an integer, found 'big'"
    ]
