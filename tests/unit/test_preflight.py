import pytest
import yaml

from molvae import preflight
from molvae.config import parse_config
from molvae.errors import ConfigError, DataError, ObjectiveError
from molvae.preflight import import_fault, plan_run

TERM = "terms: [{property: qed}]\n"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.smi").write_text("CCO\n")
    (tmp_path / "mine.yaml").write_text(f"name: mine\n{TERM}")
    return tmp_path


def plan(objectives=("mine.yaml", "qed"), baseline=True, **prepare):
    optimize = {"objectives": list(objectives), "baseline": baseline}
    return plan_run({"prepare": {"input": ["in.smi"], **prepare}, "optimize": optimize}, "study.yaml")


def test_objectives_go_by_their_own_names(folder):
    (folder / "a file.yaml").write_text(f"name: theirs\n{TERM}")
    objectives = plan(["a file.yaml", "qed"]).objectives
    assert list(objectives) == ["theirs", "qed"]
    assert objectives["theirs"].source == "a file.yaml"


def test_an_objective_depends_on_its_own_file():
    objectives = plan().objectives
    assert objectives["mine"].files == ("mine.yaml",)
    assert objectives["qed"].files == ()


def test_an_objective_depends_on_the_code_beside_it(folder):
    (folder / "own").mkdir()
    (folder / "own" / "my_model_of_tests.py").write_text("def predict(smiles):\n    return [1.0] * len(smiles)\n")
    (folder / "own" / "score.sh").write_text("cat >/dev/null\n")
    (folder / "own" / "own.yaml").write_text(
        "name: own\n"
        "terms: [{python: 'my_model_of_tests:predict'}, {python: 'math:sqrt', name: installed}]\n"
        "constraints: [{command: sh score.sh --fast, min: 1}]\n"
    )
    assert plan(["own/own.yaml"]).objectives["own"].files == (
        "own/own.yaml",
        "own/my_model_of_tests.py",
        "own/score.sh",
    )


@pytest.mark.parametrize(("baseline", "of"), [(None, ["qed"]), (True, ["own", "qed"]), (False, [])])
def test_a_users_program_scores_random_samples_only_where_that_is_asked_for(folder, baseline, of):
    (folder / "own.yaml").write_text("name: own\nterms: [{command: cat}]\n")
    assert plan(["own.yaml", "qed"], baseline).baselines == of


def test_nothing_of_the_users_is_run(folder):
    (folder / "own_of_dry_run.py").write_text("open('ran', 'w')\n\ndef score(smiles):\n    return []\n")
    (folder / "own.yaml").write_text("name: own\nterms: [{python: 'own_of_dry_run:score'}]\n")
    assert plan(["own.yaml"]).objectives["own"].files == ("own.yaml", "own_of_dry_run.py")
    assert not (folder / "ran").exists()


def test_modules_of_one_name_are_each_their_own_objectives_input(folder):
    for name in ("a", "b"):
        (folder / name).mkdir()
        (folder / name / "scorer.py").write_text("def score(smiles):\n    return [1.0] * len(smiles)\n")
        (folder / name / "own.yaml").write_text(f"name: {name}\nterms: [{{python: 'scorer:score'}}]\n")
    objectives = plan(["a/own.yaml", "b/own.yaml"]).objectives
    assert [objectives[name].files[1] for name in ("a", "b")] == ["a/scorer.py", "b/scorer.py"]


@pytest.mark.parametrize("reference", ["no_module_of_tests:score", "empty_of_tests:score"])
def test_a_function_that_is_not_there_is_refused_before_the_first_job(folder, reference):
    (folder / "empty_of_tests.py").write_text("")
    (folder / "own.yaml").write_text(f"name: own\nterms: [{{python: '{reference}'}}]\n")
    with pytest.raises(ObjectiveError, match="found none"):
        plan(["own.yaml"])


@pytest.mark.parametrize("name", ["qed", "sample"])
def test_objectives_that_would_share_a_folder_are_refused(folder, name):
    (folder / "mine.yaml").write_text(f"name: {name}\n{TERM}")
    with pytest.raises(ConfigError, match=rf"objectives\[1\]: .*different names, found {name} in mine\.yaml"):
        plan(["qed", "mine.yaml"])


def test_an_unknown_objective_is_refused():
    with pytest.raises(ObjectiveError, match="found 'osimertinib'; did you mean osimertinib_mpo"):
        plan(["osimertinib"])


def test_a_missing_input_is_named():
    with pytest.raises(DataError, match=r"prepare\.input\[1\]: expected a file at no\.smi, found none; .*study\.yaml"):
        plan(input=["in.smi", "no.smi"])


def test_a_folder_is_no_molecule_file(folder):
    (folder / "other").mkdir()
    with pytest.raises(DataError, match=r"prepare\.test_input: expected a file at other"):
        plan(test_input="other")


@pytest.mark.parametrize("name", ["validation_fraction", "test_fraction"])
def test_a_run_holds_molecules_out(name):
    with pytest.raises(ConfigError, match=rf"prepare\.{name}: expected above 0 in a run, .*found 0.*study\.yaml"):
        plan(**{name: 0})
    assert plan(**{name: 0}, split="column", split_column="fold").inputs
    if name == "test_fraction":
        assert plan(**{name: 0}, test_input="in.smi").inputs


def test_a_missing_objective_file_is_named():
    with pytest.raises(DataError, match=r"optimize\.objectives\[0\]: expected a file at no\.yaml"):
        plan(["no.yaml"])


def test_a_model_to_train_further_that_is_not_there_is_named():
    content = {"prepare": {"input": ["in.smi"]}, "train": {"init_from": "nowhere"}}
    with pytest.raises(DataError, match=r"train\.init_from: nowhere: expected a model's folder, .*study\.yaml"):
        plan_run(content, "study.yaml")


def test_a_training_depends_on_the_model_that_it_starts_from(folder):
    base = folder / "base"
    base.mkdir()
    for name in ("config.json", "vocabulary.json", "model.safetensors", "notes.txt"):
        (base / name).write_text("{}")
    content = {"prepare": {"input": ["in.smi"]}, "train": {"init_from": "base"}, "optimize": {"objectives": ["qed"]}}
    files = ("base/config.json", "base/model.safetensors", "base/vocabulary.json")
    assert plan_run(content, "study.yaml").base == files
    assert plan().base == ()


def test_a_training_depends_on_what_a_model_that_comes_with_molvae_is_not_on_where_it_is(folder, monkeypatch):
    content = {"prepare": {"input": ["in.smi"]}, "train": {"init_from": "tiny"}, "optimize": {"objectives": ["qed"]}}
    sections = {}
    for clone, weights in (("here", "1"), ("moved", "1"), ("newer", "2")):
        model = folder / clone / "tiny"
        model.mkdir(parents=True)
        for name in ("config.json", "vocabulary.json", "model.safetensors"):
            (model / name).write_text(weights)
        monkeypatch.setattr("molvae.model.shipped.HOMES", (folder / clone,))
        run = plan_run(content, "study.yaml")
        assert run.base == ()
        sections[clone] = run.section("train")
    assert sections["here"] == sections["moved"] != sections["newer"]
    assert parse_config(yaml.safe_load(sections["here"]), "train.yaml").train == run.settings.train


def test_a_section_reads_back_as_the_settings_it_holds():
    run = plan()
    content = yaml.safe_load(run.section("train"))
    assert set(content) == {"run", "seed", "device", "train"}
    assert parse_config(content, "train.yaml").train == run.settings.train
    assert parse_config(yaml.safe_load(run.section("report")), "report.yaml") == run.settings


def test_a_job_that_samples_from_any_prior_that_is_trained_reads_its_own_section():
    content = {"prepare": {"input": ["in.smi"]}, "optimize": {"objectives": ["qed"]}, "sample": {"prior": "flow"}}
    run = plan_run({**content, "train": {"priors": ["flow"]}}, "study.yaml")
    assert parse_config(yaml.safe_load(run.section("sample")), "sample.yaml").sample.prior == "flow"
    with pytest.raises(ConfigError, match=r"sample\.prior: expected best or one of train\.priors .*found flow"):
        plan_run(content, "study.yaml")


def test_only_the_preparation_is_handed_the_passwords_of_its_addresses(folder):
    address = "https://me:s3cret@host/a.smi?key=t0ken"
    run = plan(input=["in.smi", address], test_input=address)
    assert parse_config(yaml.safe_load(run.section("prepare")), "prepare.yaml").prepare.input[1] == address
    for stage in ("train", "report"):
        assert not any(secret in run.section(stage) for secret in ("s3cret", "t0ken"))
    assert parse_config(yaml.safe_load(run.section("report")), "report.yaml").prepare.input[0] == "in.smi"


def test_a_section_does_not_depend_on_the_others():
    assert plan(stereo="keep").section("train") == plan(stereo="drop").section("train")
    assert plan(stereo="keep").section("prepare") != plan(stereo="drop").section("prepare")


def test_a_search_is_not_handed_which_others_there_are():
    assert plan(["qed"], baseline=True).section("optimize") == plan(["mine.yaml"], baseline=False).section("optimize")


def test_patterns_are_expanded_and_public_libraries_are_not_asked_for(folder):
    (folder / "b.smi").write_text("CCO\n")
    plan = plan_run(
        {"prepare": {"input": ["*.smi", "moses"], "test_input": "moses_test"}, "optimize": {"objectives": ["qed"]}},
        "study.yaml",
    )
    assert plan.inputs == ("b.smi", "in.smi")
    with pytest.raises(DataError, match=r"\*\.sdf: expected files that match the pattern"):
        plan_run({"prepare": {"input": ["*.sdf"]}}, "study.yaml")


@pytest.mark.parametrize(
    ("device", "local", "has_gpu", "expected"),
    [
        ("cpu", True, True, 0),
        ("cuda", True, False, 1),
        ("auto", True, True, 1),
        ("auto", True, False, 0),
        ("auto", False, False, 1),
        ("cpu", False, True, 0),
    ],
)
def test_a_gpu_is_requested_where_there_is_or_may_be_one(device, local, has_gpu, expected, monkeypatch):
    monkeypatch.setattr(preflight.Path, "exists", lambda _: False)
    monkeypatch.setattr(preflight.shutil, "which", lambda name: "/usr/bin/nvidia-smi" if has_gpu else None)
    assert preflight.gpus_requested(device, local=local) == expected


def test_modules_of_objectives_are_imported_before_the_first_job(folder):
    (folder / "own.yaml").write_text("name: own\nterms: [{python: 'own_of_preflight:score', name: activity}]\n")
    source = "def score(smiles):\n    return [1.0] * len(smiles)\n"
    (folder / "own_of_preflight.py").write_text(f"{source}\nopen('no.file')\n")
    said = import_fault(plan(["qed", "own.yaml"]))
    assert said.startswith("molvae: error: objective own, term activity: python: expected a module own_of_preflight")
    assert "own_of_preflight.py line 4: FileNotFoundError" in said
    (folder / "own_of_preflight.py").write_text(source)
    assert import_fault(plan(["qed", "own.yaml"])) == ""


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"column": "pIC51"},
            r"results\.csv: expected one column 'pIC51', found none; the columns are 'smiles', 'pIC50'",
        ),
        ({"smiles_column": "smile"}, r"results\.csv: expected one column 'smile', found none"),
        ({"pool": "pool.csv", "pool_smiles_column": "smile"}, r"pool\.csv: expected one column 'smile', found none"),
        ({"column": None, "objective": "mine.yaml"}, r"results\.csv: expected a column of the name of a term of mine"),
        ({"objective": "own.yaml"}, r"own: expected constraints that molvae computes, found activity"),
        ({"objective": "head.yaml"}, r"propose\.objective: expected properties of train\.property_head .*found .*Ki"),
    ],
)
def test_a_mistake_of_a_plate_is_found_before_the_training(folder, settings, said):
    (folder / "results.csv").write_text("smiles,pIC50\nCCO,5\n")
    (folder / "pool.csv").write_text("smiles\nCCO\n")
    (folder / "own_of_plate.py").write_text("def score(smiles):\n    return [1.0] * len(smiles)\n")
    own = "[{python: 'own_of_plate:score', name: activity, min: 1}]"
    (folder / "own.yaml").write_text(f"name: own\n{TERM}constraints: {own}\n")
    (folder / "head.yaml").write_text("name: head\nterms: [{predict: Ki, minimise: {low: 1, high: 9}}]\n")
    content = {"prepare": {"input": ["in.smi"]}, "optimize": {"objectives": ["qed"]}}
    propose = {"measured": "results.csv", "column": "pIC50", **settings}
    with pytest.raises(ConfigError, match=said):
        plan_run({**content, "propose": propose}, "study.yaml")


@pytest.mark.parametrize(
    ("propose", "said"),
    [
        ({"smiles_column": "s"}, "expected smiles_column with measured, the table that it is about, found it without"),
        ({"minimise": True, "pool": "in.smi"}, "expected minimise with measured"),
        ({"measured": "r.csv", "column": "a", "pool_smiles_column": "s"}, "expected pool_smiles_column with pool"),
        ({"n": 24}, "expected measured or pool, without which the workflow proposes no plate, found only n;"),
        ({"n": 24, "objective": "mine.yaml"}, "found only n and objective;"),
    ],
)
def test_a_setting_of_a_plate_that_would_do_nothing_is_refused(folder, propose, said):
    with pytest.raises(ConfigError, match=said) as caught:
        plan_run({"prepare": {"input": ["in.smi"]}, "optimize": {"objectives": []}, "propose": propose}, "study.yaml")
    assert "\n" not in str(caught.value)


def test_modules_of_the_plates_objective_are_imported_before_the_first_job(folder):
    (folder / "results.csv").write_text("smiles,activity\nCCO,5\n")
    (folder / "of_plate.yaml").write_text(
        "name: of_plate\nterms: [{python: 'broken_of_plate:score', name: activity}]\n"
    )
    (folder / "broken_of_plate.py").write_text("def score(smiles):\n    return []\n\nopen('no.file')\n")
    propose = {"measured": "results.csv", "objective": "of_plate.yaml"}
    content = {"prepare": {"input": ["in.smi"]}, "optimize": {"objectives": ["qed"]}, "propose": propose}
    assert "broken_of_plate.py line 4: FileNotFoundError" in import_fault(plan_run(content, "study.yaml"))


def test_a_property_that_no_head_will_predict_is_refused_before_the_training(tmp_path):
    (tmp_path / "x.yaml").write_text("name: x\nterms:\n  - {predict: pIC50, maximise: {low: 5, high: 8}}\n")
    content = {"prepare": {"input": ["in.smi"]}, "optimize": {"objectives": ["x.yaml"]}}
    with pytest.raises(ConfigError, match=r"expected properties of train.property_head \(none\), found predict: pIC50"):
        plan_run(content, "study.yaml")
    assert plan_run({**content, "train": {"property_head": {"pIC50": 1.0}}}, "study.yaml").objectives


def test_a_plate_depends_on_its_files_and_on_the_objective_that_constrains_it(folder):
    (folder / "results.csv").write_text("smiles,pIC50\nCCO,5\n")
    propose = {"measured": "results.csv", "column": "pIC50", "pool": "in.smi", "objective": "mine.yaml"}
    content = {"prepare": {"input": ["in.smi"]}, "optimize": {"objectives": ["qed"]}, "propose": propose}
    assert plan_run(content, "study.yaml").plate == ("results.csv", "in.smi", "mine.yaml")
    assert plan().plate == ()
    with pytest.raises(DataError, match=r"propose.pool: expected a file at gone.csv, found none"):
        plan_run({**content, "propose": {**propose, "pool": "gone.csv"}}, "study.yaml")
    with pytest.raises(ConfigError, match="propose: expected measured with column, or with an objective"):
        plan_run({**content, "propose": {"measured": "results.csv"}}, "study.yaml")
