"""A new quantity or strategy, added as CONTRIBUTING.md says, is found wherever there is a choice."""

import importlib.util
import json
from pathlib import Path

import pytest
import typer
from pydantic import ValidationError
from typer.testing import CliRunner

from molvae.cli.objective import objective as objective_verb
from molvae.config import OptimizeConfig
from molvae.errors import ConfigError, ObjectiveError
from molvae.files import read_table
from molvae.optimize.objective import load_objective
from molvae.optimize.quantities import QUANTITIES
from molvae.optimize.stage import known_molecules, optimize
from molvae.optimize.strategies import STRATEGIES
from molvae.report.objective_text import objective_text


@pytest.fixture
def add(monkeypatch):
    """Return a function that loads a file of this folder; what it registers is forgotten after the test."""
    for registry in (QUANTITIES, STRATEGIES):
        monkeypatch.setattr(registry, "_entries", dict(registry._entries))

    def load(name):
        spec = importlib.util.spec_from_file_location(f"added_{name}", Path(__file__).parent / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


def test_a_quantity_is_a_file(add, tmp_path):
    add("toy_quantity")
    (tmp_path / "toy.yaml").write_text(
        "name: toy\nterms: [{toy_size: 7, clip: {upper: 4}}]\nconstraints: [{toy_size: 7, max: 3}]\n"
    )
    loaded = load_objective(str(tmp_path / "toy.yaml"))
    evaluation = loaded.evaluate("CCO")
    assert (evaluation.values, evaluation.score, evaluation.feasible) == ({"toy_size": 3}, 0.75, True)
    text = objective_text(json.loads(json.dumps(loaded.as_dict())))
    assert (text.terms[0].title, text.terms[0].quantity) == ("toy_size", "toy size, not 7")
    assert text.constraints == ("toy size, not 7 at most 3",)


def test_a_new_quantity_is_in_lists_and_messages(add, tmp_path):
    add("toy_quantity")
    app = typer.Typer()
    app.command()(objective_verb)
    assert "  toy_size                  Heavy atoms, and how many" in CliRunner().invoke(app, ["--list"]).output
    file = tmp_path / "toy.yaml"
    for wrong, said in [
        ("{toy_sise: 7}", "did you mean toy_size?"),
        ("{weight: 2}", "toy_size), found none"),
        ("{toy_size: 0, clip: {upper: 4}}", "terms[0].toy_size: expected greater than or equal to 1, found 0"),
        ("{toy_size: 1}", "since toy_size is not between 0 and 1"),
    ]:
        file.write_text(f"name: toy\nterms: [{wrong}]\n")
        with pytest.raises(ObjectiveError) as refusal:
            load_objective(str(file))
        assert said in str(refusal.value)


def test_a_strategy_is_a_file_and_its_section(add, model, prepared, tmp_path):
    section = add("toy_strategy").ToyConfig

    class WithToy(OptimizeConfig):
        toy: section = section()

    config = WithToy(strategy="toy", budget=12, batch_size=5, n_start=0, compare_training=False)
    optimize(model, load_objective("qed"), known_molecules(prepared), tmp_path, config, 1)
    trace = read_table(tmp_path / "trace.parquet")
    assert set(trace["origin"]) == {"toy"}
    assert len(trace) == 10
    schema = WithToy.model_json_schema()
    assert "Molecules to leave out." in json.dumps(schema)
    assert schema["properties"]["strategy"]["enum"] == [*OptimizeConfig.strategies(), "toy"]
    with pytest.raises(ValidationError, match=r"expected one of latent, .*, toy, found 'tou'"):
        WithToy(strategy="tou")
    with pytest.raises(ConfigError, match=r"known strategy \(.*latent, .*\), found 'tou'; did you mean toy\?"):
        STRATEGIES["tou"]
