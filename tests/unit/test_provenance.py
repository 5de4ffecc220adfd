import hashlib
import json

import pytest
import yaml

from molvae.chem.open_file import COMPRESSIONS
from molvae.chem.reading import READABLE
from molvae.config import RunConfig
from molvae.errors import ConfigError, DataError
from molvae.files import file_sha256
from molvae.inputs import is_input
from molvae.provenance import (
    gather,
    made_by,
    outputs_of,
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
    assert provenance | {"date": ""} == gather(tmp_path, config) | {"date": ""}
    json.dumps(provenance, allow_nan=False)


def test_what_is_read_besides_molecules_is_an_input(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    files = ["in.smi", "results.csv", "pool.smi", "base/config.json", "base/model.safetensors", "base/vocabulary.json"]
    for name in (*files, "mine.yaml", "limits.yaml", "scorer.py", "base/notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "mine.yaml").write_text("name: own")
    run = tmp_path / "results" / "demo"
    for name in ("optimize/own/summary.json", "train/model/config.json"):
        (run / name).parent.mkdir(parents=True, exist_ok=True)
    searched = {name: {"bytes": 9, "sha256": "9"} for name in ("scorer.py", "results/demo/train/model/config.json")}
    (run / "optimize/own/summary.json").write_text(json.dumps({"files": searched}))
    settings = {
        "prepare": {"input": ["in.smi"]},
        "train": {"init_from": "base"},
        "optimize": {"objectives": ["mine.yaml", "qed"]},
        "propose": {"measured": "results.csv", "column": "a", "pool": "pool.smi", "objective": "limits.yaml"},
    }
    inputs = gather(run, RunConfig.model_validate(settings))["inputs"]
    assert list(inputs) == [*files, "mine.yaml", "limits.yaml", "scorer.py"]
    assert all(record["sha256"] for record in inputs.values())
    # As the search found it.
    assert inputs["scorer.py"] == {"bytes": 9, "sha256": "9"}


def test_from_another_folder_the_inputs_are_as_they_were_recorded(tmp_path, monkeypatch, caplog):
    for name in ("in.smi", "lib_a.csv", "lib_b.csv"):
        (tmp_path / name).write_text(name)
    config = RunConfig.model_validate({"prepare": {"input": ["in.smi", "lib_*.csv"]}, "optimize": {"objectives": []}})
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run").mkdir()
    before = gather(tmp_path / "run", config)
    (tmp_path / "run" / "provenance.json").write_text(json.dumps(before))
    monkeypatch.chdir(tmp_path / "run")
    after = gather(tmp_path / "run", config)
    assert after["inputs"] == before["inputs"]
    assert len(after["inputs"]) == 3
    assert "provenance: in.smi, lib_*.csv: expected inputs of these names here, found none" in caplog.text


@pytest.mark.parametrize("name", ["secret", "sec*", "*"])
def test_of_what_no_run_can_have_read_nothing_is_told(tmp_path, name):
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "secret").write_text("password")
    (tmp_path / "run" / "config").mkdir(parents=True)
    recorded = {"run": "demo", "seed": 1, "device": "auto", "prepare": {"input": [f"{tmp_path}/private/{name}"]}}
    (tmp_path / "run" / "config" / "prepare.yaml").write_text(yaml.safe_dump(recorded))
    inputs = gather(tmp_path / "run", settings_of(tmp_path / "run", RunConfig()))["inputs"]
    assert inputs[f"{tmp_path}/private/secret"] == {"bytes": None, "sha256": None}


def test_every_molecule_file_can_be_an_input():
    assert all(is_input(f"a{ending}{packed}") for ending in READABLE for packed in ("", *COMPRESSIONS))
    assert is_input("A.SMI.GZ")
    assert not any(map(is_input, ["shadow", "id_rsa", ".env", "key.pem", "smi", "a.zip"]))


def test_a_report_by_another_name_is_no_result(tmp_path):
    names = ("other.html", "other/figures/a.svg", "train.html", "train/figures/a.svg", "train/model/config.json")
    for name in (*names, "other/results.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("{}")
    assert outputs_of(tmp_path) == ["other/results.csv", "train/model/config.json"]


def test_settings_with_passwords_are_no_result(tmp_path):
    (tmp_path / "config").mkdir()
    for name, url in {"prepare": "https://me:s3cret@host/a.smi", "train": "https://host/a.smi#sha256=1"}.items():
        content = {"prepare": {"input": ["a b.smi", url]}}
        (tmp_path / "config" / f"{name}.yaml").write_text(yaml.safe_dump(content))
    assert outputs_of(tmp_path) == ["config/train.yaml"]


def test_stages_that_recorded_their_source_are_found(tmp_path):
    (tmp_path / "prepare").mkdir()
    (tmp_path / "prepare" / "summary.json").write_text(json.dumps({"software": {"source": "abc"}}))
    (tmp_path / "prepare" / "vocabulary.json").write_text("[]")
    assert recorded_sources(tmp_path) == {"prepare/summary.json": "abc"}


def test_the_machine_of_each_stage_is_found_where_stages_ran_on_several(tmp_path):
    (tmp_path / "train").mkdir()
    trained_on = {"cores": 96, "gpus": ["fast"], "device": "cuda"}
    for name, machine in {"train/config.json": trained_on, "summary.json": "nonsense", "provenance.json": {}}.items():
        (tmp_path / name).write_text(json.dumps({"machine": machine}))
    provenance = gather(tmp_path, RunConfig())
    assert provenance["machines"] == {"train/config.json": trained_on}
    assert provenance["machine"] == made_by()["machine"] != trained_on


def test_an_address_has_no_password_in_the_provenance(tmp_path):
    address = "https://user:s3cret@host/a.smi?signature=t0ken#sha256=12"
    provenance = gather(tmp_path, RunConfig.model_validate({"prepare": {"input": [address], "test_input": address}}))
    said = json.dumps(provenance)
    assert "https://host/a.smi?...#sha256=12" in said
    assert "s3cret" not in said
    assert "t0ken" not in said


def test_what_an_earlier_version_computed_is_found(tmp_path):
    (tmp_path / "a").mkdir()
    record = {"software": {"source": "now"}, "earlier_software": [{"source": "before"}, "nonsense"]}
    (tmp_path / "a" / "summary.json").write_text(json.dumps(record))
    assert recorded_sources(tmp_path) == {"a/summary.json": "now", "a/summary.json, earlier": "before"}


@pytest.mark.timeout(20)
def test_a_hostile_file_among_the_results_is_passed_over(tmp_path):
    import os

    (tmp_path / "deep.json").write_text("[" * 100_000)
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "zero.json").symlink_to("/dev/zero")
    assert recorded_sources(tmp_path) == {}


def test_the_date_is_that_of_the_environment_if_it_has_one(tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert gather(tmp_path, RunConfig())["date"] == "1970-01-02T00:00:00+00:00"
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    with pytest.raises(ConfigError, match="SOURCE_DATE_EPOCH"):
        gather(tmp_path, RunConfig())


def test_a_clock_that_jumps_changes_the_date_and_nothing_else(tmp_path, monkeypatch):
    provenances = []
    for epoch in ("4102444800", "0"):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
        provenances.append(gather(tmp_path, RunConfig()))
    assert provenances[0]["date"] == "2100-01-01T00:00:00+00:00"
    assert {key for key in provenances[0] if provenances[0][key] != provenances[1][key]} == {"date"}


def test_what_snakemake_measured_is_taken_up(tmp_path):
    (tmp_path / "benchmarks" / "prepare_shard").mkdir(parents=True)
    header = "s\th:m:s\tmax_rss\tmax_vms\tcpu_time\n"
    (tmp_path / "benchmarks" / "train.tsv").write_text(f"{header}12.5\t0:00:12\t512.25\t900.0\t20.5\n")
    (tmp_path / "benchmarks" / "prepare_shard" / "1-of-2.tsv").write_text(f"{header}0.1\t0:00:00\t-\t-\tNA\n")
    (tmp_path / "benchmarks" / "odd.tsv").write_text("nonsense\n1\t2\n")
    (tmp_path / "benchmarks" / "empty.tsv").write_text("")
    assert gather(tmp_path, RunConfig())["measured"] == {
        "prepare_shard/1-of-2": {"seconds": 0.1},
        "train": {"seconds": 12.5, "cpu_seconds": 20.5, "peak_memory_mb": 512.25},
    }
