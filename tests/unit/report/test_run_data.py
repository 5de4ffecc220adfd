import json
import shutil

import pytest

from molvae.config import RunConfig
from molvae.errors import DataError
from molvae.report.run_data import load_run, value_of
from molvae.report.sentences import cards
from tests.fixtures.run_folder import build_run_folder


@pytest.mark.parametrize(
    ("file", "stage"),
    [
        ("prepare/molecules.parquet", "prepare"),
        ("prepare/summary.json", "prepare"),
        ("train/history.csv", "train"),
        ("train/model/config.json", "train"),
        ("evaluate/metrics.json", "evaluate"),
        ("evaluate/latent_map.parquet", "evaluate"),
        ("evaluate/reconstructions.csv", "evaluate"),
        ("score/sample/metrics.json", "score"),
        ("score/sample/molecules.csv", "score"),
        ("optimize/demo/candidates.csv", "optimize"),
    ],
)
def test_a_missing_file_names_itself_and_the_stage_to_run(own_folder, file, stage):
    (own_folder / file).unlink()
    with pytest.raises(DataError, match=rf"{file}: expected the outcome of `molvae {stage}`"):
        load_run(own_folder, RunConfig())


def test_a_missing_run_is_said_in_one_line(tmp_path):
    with pytest.raises(DataError, match="expected a run's folder"):
        load_run(tmp_path / "nowhere", RunConfig())


def test_optional_parts_may_be_missing(own_folder):
    shutil.rmtree(own_folder / "optimize" / "demo" / "baseline")
    shutil.rmtree(own_folder / "score" / "demo")
    (result,) = load_run(own_folder, RunConfig()).optimizations
    assert result.baseline is None
    assert result.scored is None


def test_a_run_without_a_search_loads(own_folder):
    shutil.rmtree(own_folder / "optimize")
    assert load_run(own_folder, RunConfig()).optimizations == ()


def shown(folder, *objectives):
    settings = RunConfig.model_validate({"optimize": {"objectives": list(objectives)}})
    return [result.objective for result in load_run(folder, settings).optimizations]


def test_the_objectives_of_the_settings_are_shown_in_their_order(tmp_path, caplog):
    folder = build_run_folder(tmp_path, objectives=("a", "b", "z"), baseline=False)
    objective = tmp_path / "file.yaml"
    objective.write_text("name: z")
    assert shown(folder, str(objective), "gone/a.yaml") == ["z", "a"]
    assert "left out: b" in caplog.text
    assert shown(folder, "unknown") == ["a", "b", "z"]


def test_what_the_settings_do_not_ask_for_is_left_from_another_run_and_not_shown(own_folder):
    optimized = own_folder / "optimize" / "demo"
    for seed in (1, 2, 10):
        shutil.copytree(optimized / "baseline", optimized / f"seed-{seed}")

    def loaded(**optimize):
        settings = RunConfig.model_validate({"optimize": {"objectives": ["demo"], **optimize}})
        (result,) = load_run(own_folder, settings).optimizations
        return result.baseline is not None, list(result.further)

    assert loaded() == (True, [])
    assert loaded(baseline=False, seeds=[10]) == (False, [10])
    # The run's own seed is that of the search itself.
    assert loaded(seeds=[1, 2, 3]) == (True, [2])
    assert shown(own_folder) == []


def test_the_baseline_of_a_paid_objective_is_shown_only_where_it_is_asked_for(own_folder):
    file = own_folder / "optimize" / "demo" / "summary.json"
    paid = {"name": "demo", "terms": [{"command": "sh dock.sh"}]}
    file.write_text(json.dumps(json.loads(file.read_text()) | {"objective": paid}))

    def is_shown(**optimize):
        settings = RunConfig.model_validate({"optimize": {"objectives": ["demo"], **optimize}})
        return load_run(own_folder, settings).optimizations[0].baseline is not None

    assert (is_shown(), is_shown(baseline=True)) == (False, True)


def test_a_metric_that_could_not_be_computed_is_nan(own_folder):
    file = own_folder / "score" / "sample" / "metrics.json"
    content = json.loads(file.read_text())
    content["moses"]["FCD/Test"] = {"value": None, "n": 1, "definition": "d", "n_reference": 3, "warning": "too few"}
    file.write_text(json.dumps(content))
    moses = load_run(own_folder, RunConfig()).samples.moses
    assert value_of(moses, "FCD/Test") != value_of(moses, "FCD/Test")
    assert moses["FCD/Test"].warning == "too few"


def test_empty_cells_are_empty_strings(run):
    assert "" in set(run.samples.molecules["smiles"])
    assert "" in set(run.evaluation.reconstructions["decoded"])


def test_the_novelty_is_that_by_canonical_smiles_where_it_was_recorded(own_folder):
    file = own_folder / "score" / "sample" / "metrics.json"
    content = json.loads(file.read_text())
    samples = load_run(own_folder, RunConfig()).samples
    assert samples.novelty == samples.moses["Novelty"]
    file.write_text(json.dumps({**content, "novelty": {"value": 0.5, "n": 2, "definition": "d"}}))
    run = load_run(own_folder, RunConfig())
    assert value_of({"novelty": run.samples.novelty}, "novelty") == 0.5
    assert [card.value for card in cards(run) if card.title == "Novel"] == ["50.0\u00a0%"]
