import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

import molvae
from molvae.errors import CheckpointError
from molvae.model.format2 import upgraded_config
from molvae.model.records import PriorTrial, TrainingRecord
from molvae.sampling import SamplingParams

GOLDEN = Path(__file__).parents[2] / "golden"
TRIAL = PriorTrial("decoder", SamplingParams(min_probability=0.02, max_nll=21.5, max_length=60), 0.1, 0.5, 1500)
UNBOUNDED = PriorTrial("normal", SamplingParams(max_length=60), 0.0, 3.0, 1500)


@pytest.mark.parametrize("trial", [TRIAL, UNBOUNDED])
def test_a_trial_survives_json(trial):
    assert PriorTrial.from_json(json.loads(json.dumps(trial.to_json(), allow_nan=False))) == trial


def test_a_record_survives_json(model):
    assert TrainingRecord.from_json(json.loads(json.dumps(model.training.to_json(), allow_nan=False))) == model.training


@pytest.fixture
def folder(model, tmp_path):
    model.save(tmp_path / "model")
    return tmp_path / "model"


def rewritten(folder, change):
    config = json.loads((folder / "config.json").read_text())
    change(config)
    (folder / "config.json").write_text(json.dumps(config))


def test_a_model_of_format_2_is_the_same_model(model, folder):
    def downgrade(config):
        config["format"] = 2
        del config["sha256"]
        common = ("temperature", "max_length", "prior_temperature")
        trials = config["training"].pop("trials")
        for trial in trials:
            trial["max_nats"], trial["rejected_share"] = trial.pop("max_nll"), trial.pop("rejected_fraction")
            for name in common:
                del trial[name]
        config["training"]["priors"] = trials

    rewritten(folder, downgrade)
    old = {"input_layer": "inward", "time_mlp": "times", "fc1": "wide", "fc2": "narrow", "output_layer": "outward"}
    tensors = load_file(folder / "model.safetensors")
    for name in [name for name in tensors if name.startswith("priors.flow.velocity.")]:
        prefix, layer, rest = name.removeprefix("priors.flow.").split(".", 2)
        tensors[f"priors.flow.{prefix}.{old[layer]}.{rest}"] = tensors.pop(name)
    save_file(tensors, folder / "model.safetensors")
    loaded = molvae.load(folder, "cpu")
    assert loaded.training == model.training
    for prior in model.priors:
        assert loaded.sample(9, seed=1, prior=prior) == model.sample(9, seed=1, prior=prior)


def test_a_record_of_format_2_is_read_with_its_trials():
    config = upgraded_config(json.loads((GOLDEN / "model_format2.json").read_text()))
    training = TrainingRecord.from_json(config["training"])
    best = training.best_trial("decoder")
    assert math.isfinite(best.params.max_nll)
    assert best.rejected_fraction > 0.0
    assert best.params.max_length == 56
    assert {trial.prior for trial in training.trials} == {"normal", "gaussian_mixture", "decoder"}


def test_a_model_of_another_format_is_refused(folder):
    rewritten(folder, lambda config: config.update(format=4))
    with pytest.raises(CheckpointError, match="expected a model of format 2 or 3, found 4"):
        molvae.load(folder, "cpu")


def test_trials_are_compared_only_at_the_same_number_of_samples(model):
    few = replace(TRIAL, validation_fcd=0.1, n=400)
    record = replace(model.training, trials=(few, TRIAL, UNBOUNDED, replace(few, prior="flow")))
    assert record.best_trial() == record.best_trial("decoder") == TRIAL
    assert record.best_trial("flow").n == 400
