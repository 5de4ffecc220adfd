"""The one-line explanations of wrong settings."""

from typing import Annotated, Literal

import pytest
from pydantic import Field, ValidationError

from molvae.config import RunConfig
from molvae.section import Section
from molvae.validation import explain


class Inner(Section):
    size: int = 1


class Outer(Section):
    name: Annotated[str, Field(pattern="^[a-z]+$")]
    parts: tuple[Inner, ...] = ()
    one: Inner | None = None
    width: float = 1.0
    whole: bool = True
    kind: Literal["a", "b"] = "a"
    several: Annotated[list[int], Field(min_length=1)] = Field(default=[1])


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
        "quux: expected a known setting, found an unknown one; known are name, parts, one, width, whole, kind, several"
    ]


def test_missing_and_wrong_values_are_told_apart():
    assert explained({}) == ["name: expected a value, found none"]
    assert explained({"name": "x", "one": {"size": "big"}}) == ["one.size: expected a whole number, found 'big'"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": "A"}, "name: expected text that matches ^[a-z]+$, found 'A'"),
        ({"name": 3}, "name: expected text, found 3"),
        ({"one": "x"}, "one: expected settings by name (size), found 'x'"),
        ({"one": {"size": 1.5}}, "one.size: expected a whole number, found 1.5"),
        ({"parts": 3}, "parts: expected a list, found 3"),
        ({"parts": [3]}, "parts[0]: expected settings by name (size), found 3"),
        ({"width": "wide"}, "width: expected a number, found 'wide'"),
        ({"width": [1]}, "width: expected a number, found [1]"),
        ({"whole": "perhaps"}, "whole: expected true or false, found 'perhaps'"),
        ({"kind": "c"}, "kind: expected 'a' or 'b', found 'c'"),
        ({"several": []}, "several: expected at least 1 item, found []"),
    ],
)
def test_what_is_expected_is_said_in_words_of_a_settings_file(given, said):
    assert explained({"name": "x", **given}) == [said]


def test_a_setting_that_was_renamed_is_told_by_its_new_name():
    with pytest.raises(ValidationError) as caught:
        RunConfig.model_validate({"train": {"rejected_shares": [0.0]}, "sample": {"max_nats": 3.0}})
    assert [explain(RunConfig, error) for error in caught.value.errors()] == [
        "train.rejected_shares: expected its new name, train.rejected_fractions",
        "sample.max_nats: expected its new name, sample.max_nll",
    ]
