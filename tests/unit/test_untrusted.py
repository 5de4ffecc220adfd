import os

import pytest
import yaml

from molvae.config import load_config
from molvae.errors import ConfigError, DataError, MolvaeError
from molvae.files import read_json
from molvae.optimize.spec import read_spec
from molvae.untrusted import parse_json, parse_yaml, read_utf8


def bomb(depth, width):
    lines = ["a0: &a0 x"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * width)}]" for n in range(1, depth)]
    return "\n".join(lines)


def test_aliases_are_read_as_what_they_repeat():
    assert parse_yaml("a: &a [1, 2]\nb: *a\nc: {<<: {d: 1}}") == {"a": [1, 2], "b": [1, 2], "c": {"d": 1}}


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "text", [bomb(12, 9), bomb(40, 2), "[" * 100_000, "a: &a [*a]", "{" * 5000, "a: 2020-13-45", "n: " + "9" * 6000]
)
def test_what_grows_beyond_all_bounds_is_no_yaml(text):
    with pytest.raises(yaml.YAMLError):
        parse_yaml(text)


@pytest.mark.parametrize("text", ["[" * 100_000, "9" * 6000, '{"a": ' * 50_000])
def test_json_of_any_depth_is_a_value_error(text):
    with pytest.raises(ValueError):  # noqa: PT011
        parse_json(text)


@pytest.mark.timeout(10)
def test_a_pipe_a_device_and_a_huge_file_are_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "zero.json").symlink_to("/dev/zero")
    with (tmp_path / "huge.json").open("wb") as file:
        file.truncate(10**12)
    for name in ("pipe", "zero", "huge", "none"):
        with pytest.raises(DataError, match=f"{name}.json"):
            read_utf8(tmp_path / f"{name}.json")
        with pytest.raises(DataError, match=f"{name}.json"):
            read_json(tmp_path / f"{name}.json")


@pytest.mark.timeout(20)
def test_settings_and_objectives_with_an_alias_bomb_are_refused_in_one_line(tmp_path):
    file = tmp_path / "bomb.yaml"
    file.write_text(bomb(12, 9))
    for read in (load_config, read_spec):
        with pytest.raises(MolvaeError, match="aliases"):
            read(file)


def test_a_message_shows_the_beginning_of_a_long_value(tmp_path):
    file = tmp_path / "run.yaml"
    file.write_text(f"seed: {'x' * 10_000}\n")
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    assert len(str(caught.value)) < 500
