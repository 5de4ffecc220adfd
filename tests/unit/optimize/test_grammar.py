"""The list of what an objective file may say, and the page that has it."""

from pathlib import Path

import pytest
import yaml

from molvae.cli.main import app
from molvae.optimize.desirability import DESIRABILITIES
from molvae.optimize.grammar import as_text, sections, with_list
from molvae.optimize.parts import Constraint, Term
from molvae.optimize.quantities import QUANTITIES
from molvae.optimize.spec import ObjectiveSpec

PAGE = Path(__file__).parents[3] / "docs" / "objectives.md"


def test_the_page_has_the_list_as_it_is():
    text = PAGE.read_text(encoding="utf-8")
    assert with_list(text) == text, "run python -m molvae.optimize.grammar docs/objectives.md"


@pytest.mark.parametrize("kind", QUANTITIES)
def test_the_example_of_a_quantity_is_one(kind):
    content = yaml.safe_load(QUANTITIES[kind].example)
    bounds = {} if QUANTITIES[kind].required is not None else {"min": 0.0}
    assert Constraint.model_validate(content | bounds).quantity.kind() == kind
    if not QUANTITIES[kind].constraint_only:
        Term.model_validate(content | {"maximise": {"low": 0.0, "high": 1.0}})


@pytest.mark.parametrize("name", DESIRABILITIES)
def test_the_example_of_a_desirability_is_one(name):
    content = yaml.safe_load(DESIRABILITIES[name].example)
    assert type(Term.model_validate({"property": "logp", **content}).desirability) is DESIRABILITIES[name]


def test_the_objective_on_the_page_is_one():
    block = PAGE.read_text(encoding="utf-8").partition("```yaml\n")[2].partition("```")[0]
    spec = ObjectiveSpec.model_validate(yaml.safe_load(block))
    assert [term.title for term in spec.terms] == ["similarity", "logp", "qed", "pic50"]


def test_every_key_has_a_meaning_and_the_kind_of_ecfp4_is_said():
    entries = [entry for listed in sections().values() for entry in listed]
    assert all(entry.summary and all(meaning for _, meaning in entry.options) for entry in entries)
    assert "ECFP4, ECFP6, FCFP4 and AP count features" in as_text()
    assert "takes a list of SMILES, returns as many numbers" in as_text()


def test_terms_are_listed_by_the_command():
    from typer.testing import CliRunner

    result = CliRunner().invoke(app, ["objective", "--terms"])
    assert (result.exit_code, result.output) == (0, as_text() + "\n")
