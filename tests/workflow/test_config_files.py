"""The files under workflow/ that hold or describe settings."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from molvae.config import RunConfig, json_schema, load_config

WORKFLOW = Path(__file__).parents[2] / "workflow"
CONFIGS = sorted((WORKFLOW / "config").glob("*.yaml"))
SCHEMA = WORKFLOW / "schemas" / "config.schema.json"


@pytest.mark.parametrize("file", CONFIGS, ids=lambda file: file.stem)
def test_a_config_is_valid_and_named_after_its_run(file):
    assert load_config(file).run == file.stem


@pytest.mark.parametrize("file", CONFIGS, ids=lambda file: file.stem)
def test_the_schema_for_editors_accepts_a_config(file):
    jsonschema.validate(yaml.safe_load(file.read_text()), json.loads(SCHEMA.read_text()))


def test_the_schema_refuses_what_molvae_refuses():
    with pytest.raises(jsonschema.ValidationError, match="'epoch' was unexpected"):
        jsonschema.validate({"train": {"epoch": 3}}, json.loads(SCHEMA.read_text()))


def test_the_schema_is_made_from_the_models():
    assert json.loads(SCHEMA.read_text()) == json_schema(), "remake it: make schema"


@pytest.mark.parametrize("file", [file for file in CONFIGS if file.stem != "demo"], ids=lambda file: file.stem)
def test_a_preset_holds_only_what_differs(file):
    defaults = RunConfig().model_dump()

    def repeated(content, default, path=""):
        for key, value in content.items():
            if isinstance(value, dict):
                yield from repeated(value, default[key], f"{path}{key}.")
            elif value == default[key]:
                yield path + key

    assert list(repeated(yaml.safe_load(file.read_text()), defaults)) == []
