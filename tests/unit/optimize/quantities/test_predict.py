import shutil

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


def test_where_the_model_of_a_search_lies_is_no_part_of_what_scores_depend_on(head, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    moved = shutil.copytree(head, tmp_path / "elsewhere" / head.name)
    (tmp_path / "own").mkdir()
    own = objective("logp", tmp_path / "own")
    here, there = (own.with_model(folder).identity() for folder in (head, moved))
    assert here == there
    assert here["objective"]["terms"][0]["predict"] == {"property": "logp"}
    (moved / "model.safetensors").write_bytes(b"other weights")
    assert own.with_model(moved).identity()["files"] != here["files"]


def test_files_of_one_name_in_two_folders_are_both_a_part_of_it(tmp_path):
    (tmp_path / "own").mkdir()
    for place in ("a", "b"):
        (tmp_path / place / "dock").mkdir(parents=True)
        (tmp_path / place / "dock" / "protein.pdbqt").write_text(place)
    command = "cat ../a/dock/protein.pdbqt ../b/dock/protein.pdbqt"
    spec = ObjectiveSpec.model_validate({"name": "x", "terms": [{"command": command}]})
    assert len(set(Objective(spec, tmp_path / "own").identity()["files"].values())) == 2
