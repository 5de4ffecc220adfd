import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from molvae.config import WHOLE_RUN, RunConfig, json_schema, load_config, parse_config
from molvae.errors import ConfigError


def test_empty_settings_are_the_defaults():
    assert parse_config({}, "here") == RunConfig()


def test_an_empty_file_is_the_defaults(tmp_path):
    file = tmp_path / "empty.yaml"
    file.write_text("# nothing yet\n")
    assert load_config(file) == RunConfig()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"train": {"epoch": 3}}, ["train.epoch", "did you mean epochs?"]),
        ({"trian": {}}, ["trian", "did you mean train?"]),
        ({"train": {"latent_dim": 1}}, ["train.latent_dim", "greater than or equal to 2", "found 1"]),
        ({"train": {"code_dropout": 1.0}}, ["train.code_dropout", "less than 1", "found 1.0"]),
        ({"train": {"device": "cpu"}}, ["train.device", "an unknown one"]),
        ({"device": "gpu"}, ["device", "'auto', 'cpu' or 'cuda'", "found 'gpu'"]),
        ({"train": {"cell": "rnn"}}, ["train.cell", "'gru' or 'lstm'", "found 'rnn'"]),
        ({"train": {"learning_rate": "fast"}}, ["train.learning_rate", "a number", "found 'fast'"]),
        ({"train": {"priors": ["flaw"]}}, ["train.priors[0]", "'decoder'", "found 'flaw'"]),
        (
            {"sample": {"prior": "flaw"}},
            ["sample.prior", "'best', 'normal', 'gaussian_mixture', 'flow' or 'decoder'", "'flaw'"],
        ),
        (
            {"train": {"priors": ["normal", "decoder"]}, "sample": {"prior": "gaussian_mixture"}},
            ["sample.prior: expected best or one of train.priors (normal, decoder), found gaussian_mixture"],
        ),
        (
            {"train": {"code_dropout": 0}, "sample": {"prior": "decoder"}},
            ["sample.prior: expected train.code_dropout above 0 for decoder, found 0"],
        ),
        ({"evaluate": {"n_reconstruct": 1}}, ["evaluate.n_reconstruct", "greater than or equal to 2", "found 1"]),
        ({"prepare": {"input": []}}, ["prepare.input", "at least 1 item"]),
        ({"prepare": {"min_heavy_atoms": 9, "max_heavy_atoms": 8}}, ["prepare", "min_heavy_atoms 9 is above"]),
        ({"prepare": {"validation_fraction": 0.5, "test_fraction": 0.5}}, ["prepare", "must leave molecules"]),
        ({"run": "../escape"}, ["run", "found '../escape'"]),
        ({"seed": -1}, ["seed", "found -1"]),
    ],
)
def test_a_wrong_setting_is_refused_with_its_path_value_and_remedy(content, said):
    with pytest.raises(ConfigError) as refusal:
        parse_config(content, "study.yaml")
    message = str(refusal.value)
    assert message.count("expected") <= 1
    assert all(part in message for part in [*said, "study.yaml"])
    assert "\n" not in message


def test_all_wrong_settings_are_named_at_once():
    with pytest.raises(ConfigError, match=r"sample\.n: .*; optimize\.budget: "):
        parse_config({"sample": {"n": 0}, "optimize": {"budget": -1}}, "here")


def test_settings_do_not_change():
    with pytest.raises(ValueError, match="frozen"):
        RunConfig().train.epochs = 1  # type: ignore[misc]


@pytest.mark.parametrize("prior", ["best", "normal"])
def test_a_prior_that_training_tries_may_be_sampled_from(prior):
    assert parse_config({"train": {"priors": ["normal"]}, "sample": {"prior": prior}}, "here").sample.prior == prior


def test_settings_are_read_as_utf_8_under_any_locale(tmp_path):
    file = tmp_path / "étude.yaml"
    file.write_text("prepare: {properties: {IC50: µM}}\nreport: {title: Société}\n", encoding="utf-8")
    code = (
        "import sys; from pathlib import Path; from molvae.config import load_config\n"
        "config = load_config(next(Path(sys.argv[1]).glob('*.yaml')))\n"
        "print(ascii([config.prepare.properties['IC50'], config.report.title]))"
    )
    locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    run = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        env=os.environ | locale,
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )
    assert run.stdout.strip() == ascii(["µM", "Société"]), run.stderr


def test_overrides_win_over_the_file(tmp_path):
    file = tmp_path / "study.yaml"
    file.write_text("run: study\ntrain: {epochs: 2, batch_size: 8}\n")
    settings = load_config(file, ["train.epochs=5", "optimize.objectives=[qed, median1]", "seed=0"])
    assert (settings.run, settings.seed) == ("study", 0)
    assert (settings.train.epochs, settings.train.batch_size) == (5, 8)
    assert settings.optimize.objectives == ["qed", "median1"]


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("train.epochs", "expected section.key=value"),
        ("=3", "expected section.key=value"),
        ("run.name=x", "run is a value, not a section"),
        ("train.epochs=[", "expected a YAML value"),
        ("train.epocs=3", "did you mean epochs?"),
    ],
)
def test_a_wrong_override_is_refused(tmp_path, override, said):
    file = tmp_path / "study.yaml"
    file.write_text("run: study\n")
    with pytest.raises(ConfigError, match="(?s)" + said.replace("?", r"\?")):
        load_config(file, [override])


@pytest.mark.parametrize("text", ["- a list\n", "just text\n", "a: [1\n", "a: \x00\n"])
def test_a_file_that_is_no_mapping_is_refused_in_one_line(tmp_path, text):
    file = tmp_path / "study.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError) as refusal:
        load_config(file)
    assert str(file) in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_missing_file_is_refused():
    with pytest.raises(ConfigError, match=r"nowhere\.yaml: expected a YAML file of settings"):
        load_config(Path("nowhere.yaml"))


@given(st.integers(2, 512), st.floats(0, 1, exclude_max=True), st.sampled_from(["gru", "lstm"]))
def test_settings_survive_being_written_and_read(latent_dim, dropout, cell):
    settings = parse_config({"train": {"latent_dim": latent_dim, "code_dropout": dropout, "cell": cell}}, "here")
    assert parse_config(yaml.safe_load(yaml.safe_dump(settings.model_dump(mode="json"))), "again") == settings


def test_every_setting_says_what_it_is_for():
    sections = [json_schema(), *json_schema()["$defs"].values()]
    silent = [key for section in sections for key, entry in section["properties"].items() if "description" not in entry]
    # The sections themselves are described by their classes.
    assert set(silent) <= set(RunConfig.model_fields) - set(WHOLE_RUN)
