"""`molvae models` and `molvae info`."""

import json
import shutil

import pytest
from typer.testing import CliRunner

from molvae.cli.main import app
from molvae.errors import DataError
from molvae.model.catalogue import Metric, known_models, model_info


def molvae(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)


@pytest.fixture
def trained(model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model.save(tmp_path / "results" / "mine" / "train" / "model")
    evaluation = tmp_path / "results" / "mine" / "evaluate" / "metrics.json"
    evaluation.parent.mkdir()
    metrics = {"exact_reconstruction": {"value": 0.5, "n": 60}, "priors": {"normal": {"fcd": {"value": 1.0, "n": 2}}}}
    metrics["properties"] = {"pAct": {"r2": {"value": 0.4, "n": 60}}}
    evaluation.write_text(json.dumps(metrics))
    return "results/mine/train/model"


def test_shipped_and_trained_models_are_listed(trained, model):
    assert known_models() == ["moses", "zinc250k", trained]
    rows = [line.split() for line in molvae("models").output.splitlines()]
    assert rows[0] == ["name", "molecules", "tokens", "latent_dim", "reconstruction", "FCD"]
    assert [row[0] for row in rows[1:]] == known_models()
    assert rows[2][1:] == ["224,492", "93", "64", "0.885", "0.37"]
    assert rows[3][1:] == ["300", str(len(model.vocabulary) - 3), "8", "0.5", "-"]


def test_a_damaged_model_does_not_hide_the_others(trained, tmp_path, caplog):
    shutil.copytree(trained, "results/cut/train/model")
    (tmp_path / "results/cut/train/model/vocabulary.json").unlink()
    assert len(molvae("models").output.splitlines()) == 4
    assert "left out: " in caplog.text
    assert "vocabulary.json" in caplog.text


def test_a_model_is_described(trained, model):
    info = model_info(trained)
    assert (info.n_molecules, info.latent_dim, info.prior) == (300, 8, "decoder")
    assert info.tokens == model.vocabulary.tokens[3:]
    assert info.metrics == {"exact_reconstruction": Metric(0.5, 60), "properties.pAct.r2": Metric(0.4, 60)}
    assert set(info.priors) == set(model.priors)
    text = molvae("info", trained).output
    assert "300 to train on" in text
    assert "decoder (validation FCD 1.00, the default)" in text
    assert json.loads(molvae("info", trained, "--json").output) == json.loads(json.dumps(info.to_json()))


def test_a_metric_that_could_not_be_computed_hides_neither_the_others_nor_the_model(trained, tmp_path):
    evaluation = tmp_path / "results" / "mine" / "evaluate" / "metrics.json"
    metrics = json.loads(evaluation.read_text()) | {"fcd_prior": {"value": None, "n": 0}}
    evaluation.write_text(json.dumps(metrics))
    assert model_info(trained).metrics["exact_reconstruction"] == Metric(0.5, 60)
    assert "fcd_prior" not in molvae("info", trained).output
    assert trained in molvae("models").output


@pytest.mark.parametrize("name", ["moses", "zinc250k"])
def test_the_card_of_a_shipped_model_has_its_metrics(name):
    info = model_info(name)
    assert info.metrics["exact_reconstruction"].n == 5000
    assert 0.0 < info.metrics["reconstruction_nats"].value < info.metrics["kl_nats"].value
    assert 0.0 < info.priors["decoder"] < info.priors["normal"]
    assert "FCD/Test" in molvae("info", name).output


def test_an_unknown_model_is_refused_with_the_nearest_name():
    with pytest.raises(DataError, match=r"did you mean zinc250k\?"):
        molvae("info", "zinc25k")
