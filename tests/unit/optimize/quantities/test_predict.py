import numpy as np
import pytest

from molvae.errors import DataError, ObjectiveError
from molvae.optimize.objective import Objective
from molvae.optimize.spec import ObjectiveSpec
from tests.fixtures.property_head import save_with_head, with_head


def objective(predict, folder):
    term = {"predict": predict, "maximise": {"low": 0, "high": 5}}
    return Objective(ObjectiveSpec.model_validate({"name": "x", "terms": [term]}), folder)


@pytest.fixture(scope="module")
def head(model, tmp_path_factory):
    return save_with_head(model, tmp_path_factory.mktemp("head") / "model")


def test_a_property_of_a_named_model_is_a_term(head, model, smiles):
    evaluation = objective({"property": "logp", "model": "model"}, head.parent).evaluate(smiles[0])
    assert np.isclose(evaluation.values["logp"], with_head(model).predict(smiles[:1])["logp"][0], rtol=1e-3)


def test_a_name_alone_means_the_model_of_the_search(head, smiles, tmp_path):
    alone = objective("logp", tmp_path)
    assert alone.files == ()
    bound = alone.with_model(head)
    assert bound.files == (head / "config.json", head / "model.safetensors")
    assert bound.evaluate(smiles[0]).status == "ok"


def test_without_a_model_it_says_where_one_comes_from(tmp_path):
    with pytest.raises(ObjectiveError, match="expected a model that predicts logp, found none"):
        objective("logp", tmp_path).evaluate("CCO")


def test_a_property_that_the_model_does_not_predict_is_refused(head):
    with pytest.raises(ObjectiveError, match=r"\(logp\), found 'pIC50'"):
        objective("pIC50", head.parent).with_model(head)


def test_a_missing_model_is_named(tmp_path):
    with pytest.raises(DataError, match="nowhere"):
        objective({"property": "logp", "model": "nowhere"}, tmp_path)


def test_what_the_model_cannot_encode_fails_alone(head, smiles):
    evaluations = objective("logp", head.parent).with_model(head).evaluate_batch(["[U]", smiles[0]])
    assert [evaluation.status for evaluation in evaluations] == ["failed", "ok"]
