import hashlib
import json

import pytest
import yaml

from molvae.config import RunConfig
from molvae.errors import ConfigError, DataError
from molvae.files import file_sha256
from molvae.provenance import (
    gather,
    recorded_sources,
    settings_of,
    software,
    source_digest,
    versions,
)
from molvae.version import __version__


def test_a_hash_is_that_of_the_bytes(tmp_path):
    file = tmp_path / "a"
    file.write_bytes(b"molecules")
    assert file_sha256(file) == hashlib.sha256(b"molecules").hexdigest()


def test_a_missing_file_to_hash_is_a_data_error(tmp_path):
    with pytest.raises(DataError, match="expected a file to hash"):
        file_sha256(tmp_path / "nothing")


def test_the_source_has_one_digest():
    assert len(source_digest()) == 64
    assert software() == {"molvae": __version__, "source": source_digest()}


def test_versions_name_python_and_what_computes():
    assert {"python", "molvae", "torch", "rdkit", "selfies", "numpy"} <= set(versions())


def test_recorded_settings_stand_above_those_given_but_for_the_report(tmp_path):
    (tmp_path / "config").mkdir()
    train = {"run": "a", "seed": 7, "device": "cpu", "train": {"latent_dim": 12}}
    (tmp_path / "config" / "train.yaml").write_text(yaml.safe_dump(train))
    own = {"run": "a", "seed": 7, "device": "cpu", "train": {"latent_dim": 5}, "report": {"title": "old"}}
    (tmp_path / "config" / "report.yaml").write_text(yaml.safe_dump(own))
    given = RunConfig.model_validate({"sample": {"n": 5}, "train": {"epochs": 3}, "report": {"title": "new"}})
    settings = settings_of(tmp_path, given)
    assert (settings.run, settings.seed, settings.device) == ("a", 7, "cpu")
    assert (settings.train.latent_dim, settings.train.epochs) == (12, 3)
    assert (settings.sample.n, settings.report.title) == (5, "new")


def test_settings_of_a_run_of_molvae_0_1_are_read_under_their_names_now(tmp_path):
    (tmp_path / "config").mkdir()
    run = {"run": "a", "seed": 7, "device": "cpu"}
    for stage, recorded in {"train": {"rejected_shares": [0.0, 0.3]}, "sample": {"max_nats": 40.0}}.items():
        (tmp_path / "config" / f"{stage}.yaml").write_text(yaml.safe_dump({**run, stage: recorded}))
    settings = settings_of(tmp_path, RunConfig())
    assert (settings.train.rejected_fractions, settings.sample.max_nll) == ([0.0, 0.3], 40.0)


def test_without_recorded_settings_those_given_hold(tmp_path):
    assert settings_of(tmp_path, RunConfig(seed=3)) == RunConfig(seed=3)


@pytest.mark.parametrize(
    "content",
    [
        "[1, 2]",
        "{run: a, seed: 1, device: cpu, train: [1]}",
        "a: b: c",
        "run: a",
        "{run: a, seed: 1, device: cpu, train: {latent_dimm: 3}}",
    ],
)
def test_a_record_that_is_no_configuration_is_refused_by_its_place(tmp_path, content):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "train.yaml").write_text(content)
    with pytest.raises(ConfigError, match="config"):
        settings_of(tmp_path, RunConfig())


def test_outputs_are_hashed_and_what_is_about_them_is_not(tmp_path):
    for name in ("train/history.csv", "train/resume/state", "report.html", "logs/train.log", "train/.partial"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    source = tmp_path.parent / "in.smi"
    source.write_text("CC")
    config = RunConfig.model_validate({"prepare": {"input": [str(source), "gone.smi"]}, "optimize": {"objectives": []}})
    provenance = gather(tmp_path, config)
    assert set(provenance["outputs"]) == {"train/history.csv"}
    assert provenance["inputs"][str(source)] == {"bytes": 2, "sha256": hashlib.sha256(b"CC").hexdigest()}
    assert provenance["inputs"]["gone.smi"]["sha256"] is None
    assert provenance == gather(tmp_path, config)
    json.dumps(provenance, allow_nan=False)


def test_stages_that_recorded_their_source_are_found(tmp_path):
    (tmp_path / "prepare").mkdir()
    (tmp_path / "prepare" / "summary.json").write_text(json.dumps({"software": {"source": "abc"}}))
    (tmp_path / "prepare" / "vocabulary.json").write_text("[]")
    assert recorded_sources(tmp_path) == {"prepare/summary.json": "abc"}
