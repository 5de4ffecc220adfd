"""The verbs that train a model or work with one, through the command line."""

import csv
import json

import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

from molvae.chem.molecules import canonical_smiles
from molvae.cli.main import app
from molvae.errors import ConfigError, DataError
from molvae.files import read_table, write_table
from molvae.model.model import MolVAE
from molvae.provenance import recorded_sources, source_digest

LATENT_DIM = 8


def molvae(*arguments, stdin=None):
    return CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin, catch_exceptions=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, model):
    path = tmp_path_factory.mktemp("model") / "model"
    model.save(path)
    return path


@pytest.fixture(scope="module")
def settings(tmp_path_factory, small_train_config):
    """Return a file of settings for a run that takes a second."""
    content = {
        "seed": 3,
        "device": "cpu",
        "train": {**small_train_config.model_dump(), "epochs": 1},
        "evaluate": {"n_reconstruct": 10, "n_samples": 20, "n_map": 30},
        "optimize": {"batch_size": 10, "n_start": 10, "n_candidates": 5},
    }
    path = tmp_path_factory.mktemp("settings") / "study.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.fixture
def molecules(tmp_path, smiles):
    path = tmp_path / "molecules.csv"
    path.write_text("name,structure\n" + "".join(f"m{n},{text}\n" for n, text in enumerate([*smiles[:3], "nonsense"])))
    return path


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_codes_go_to_a_table_and_come_back_as_molecules(folder, molecules, tmp_path, smiles, ending):
    codes, decoded = tmp_path / f"codes.{ending}", tmp_path / f"decoded.{ending}"
    assert molvae("encode", folder, molecules, "--out", codes, "--smiles-column", "structure").exit_code == 0
    table = read_table(codes)
    assert list(table.columns) == ["name", "structure", *(f"z{n}" for n in range(LATENT_DIM)), "problem"]
    assert table["structure"].tolist() == [*smiles[:3], "nonsense"]
    assert table["z0"].isna().tolist() == [False, False, False, True]
    assert table["problem"].fillna("").tolist() == ["", "", "", "not a molecule"]
    assert molvae("decode", folder, codes, "--out", decoded).exit_code == 0
    table = read_table(decoded).fillna("")
    assert list(table.columns) == ["name", "structure", "problem", "smiles"]
    assert all(molecule == "" or canonical_smiles(molecule) == molecule for molecule in table["smiles"])
    assert table["smiles"].iloc[3] == ""


def test_a_line_between_molecules_goes_to_a_table_or_to_stdout(folder, tmp_path, smiles):
    arguments = ["interpolate", folder, smiles[0], smiles[1], "--steps", 4]
    shown = molvae(*arguments)
    assert molvae(*arguments, "--out", tmp_path / "line.csv").exit_code == shown.exit_code == 0
    table = read_table(tmp_path / "line.csv").fillna("")
    assert list(table.columns) == ["step", "smiles", "similarity_to_start", "similarity_to_end"]
    assert table["step"].tolist() == [0, 1, 2, 3]
    assert [table["smiles"].iloc[0], table["smiles"].iloc[-1]] == smiles[:2]
    assert table["similarity_to_start"].iloc[0] == table["similarity_to_end"].iloc[-1] == 1.0
    assert shown.stdout == (tmp_path / "line.csv").read_text()


def test_neighbors_come_most_similar_first(folder, tmp_path, smiles):
    arguments = ["neighbors", folder, smiles[0], "--n", 5, "--radius", 1.0]
    shown = molvae(*arguments)
    assert molvae(*arguments, "--out", tmp_path / "near.csv").exit_code == shown.exit_code == 0
    table = read_table(tmp_path / "near.csv")
    assert list(table.columns) == ["smiles", "similarity"]
    assert table["similarity"].is_monotonic_decreasing
    assert shown.stdout == (tmp_path / "near.csv").read_text()


def test_anomaly_scores_stand_beside_the_molecules(folder, molecules, tmp_path):
    molvae("anomaly", folder, molecules, "--out", tmp_path / "scores.csv", "--smiles-column", "structure")
    table = read_table(tmp_path / "scores.csv")
    assert list(table.columns) == ["name", "structure", "anomaly_score", "problem"]
    assert table["anomaly_score"].isna().tolist() == [False, False, False, True]


def test_samples_follow_from_the_seed(folder, settings, tmp_path):
    for name, seed in [("a", 1), ("again", 1), ("other", 2)]:
        out = tmp_path / f"{name}.csv"
        assert molvae("sample", folder, "--out", out, "--n", 20, "--seed", seed, "--config", settings).exit_code == 0
    table = pd.read_csv(tmp_path / "a.csv", skip_blank_lines=False)
    assert (list(table.columns), len(table)) == (["smiles"], 20)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "again.csv").read_bytes()
    assert (tmp_path / "a.csv").read_bytes() != (tmp_path / "other.csv").read_bytes()


def test_the_command_and_the_model_sample_the_same_molecules_and_record_how(folder, model, tmp_path):
    out, summary = tmp_path / "sample" / "a.csv", tmp_path / "sample" / "summary.json"
    arguments = ["--out", out, "--summary", summary, "--n", 20, "--seed", 1, "--set", "device=cpu"]
    assert molvae("sample", folder, *arguments).exit_code == 0
    table = pd.read_csv(out, keep_default_na=False, skip_blank_lines=False)
    assert table["smiles"].tolist() == [smiles or "" for smiles in model.sample(20, seed=1)]
    assert recorded_sources(tmp_path) == {"sample/summary.json": source_digest()}


def test_a_model_is_trained_and_evaluated(prepared, settings, tmp_path):
    out = tmp_path / "train"
    assert molvae("train", prepared, "--out", out, "--config", settings, "--threads", 1).exit_code == 0
    assert len(pd.read_csv(out / "history.csv")) == 1
    assert {path.name for path in out.iterdir()} == {"model", "history.csv"}
    arguments = ["--reference", prepared, "--config", settings, "--threads", 1]
    assert molvae("evaluate", out / "model", *arguments, "--out", tmp_path / "evaluate").exit_code == 0
    metrics = json.loads((tmp_path / "evaluate" / "metrics.json").read_text())
    assert {"value", "n", "definition"} <= set(metrics["exact_reconstruction"])
    assert set(metrics["priors"]) == {"normal", "gaussian_mixture", "decoder"}
    read_table(tmp_path / "evaluate" / "latent_map.parquet", ["id", "smiles", "split", "x", "y", "qed"])


def test_a_search_spends_its_budget(folder, prepared, settings, tmp_path):
    arguments = ["--objective", "qed", "--reference", prepared, "--config", settings, "--threads", 1]
    assert molvae("optimize", folder, *arguments, "--budget", 20, "--out", tmp_path / "qed").exit_code == 0
    summary = json.loads((tmp_path / "qed" / "summary.json").read_text())
    assert (summary["seed"], summary["budget"], summary["n_calls"]) == (3, 20, 20)
    assert list(read_table(tmp_path / "qed" / "trace.parquet").columns[:4]) == ["call", "round", "origin", "smiles"]
    assert {path.name for path in (tmp_path / "qed").iterdir()} == {
        "trace.parquet",
        "times.csv",
        "candidates.csv",
        "candidates.sdf",
        "latent_map.parquet",
        "summary.json",
    }


@pytest.mark.parametrize("verb", ["encode", "anomaly"])
def test_a_pipe_carries_the_table_and_nothing_else(verb, folder, molecules, tmp_path):
    assert molvae(verb, folder, molecules, "--out", tmp_path / "out.csv").exit_code == 0
    piped = molvae(verb, folder, "-", stdin=molecules.read_text())
    assert piped.stdout == (tmp_path / "out.csv").read_text()
    assert molvae(verb, folder, "-", "--out", "-", stdin=molecules.read_text()).stdout == piped.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["prepare", "-", "--out", "out"],
        ["learn", "-", "--column", "pIC50", "--out", "out"],
        ["propose", "moses", "--pool", "-", "--n", 2],
        ["propose", "moses", "--measured", "-", "--column", "pIC50", "--n", 2],
        ["series", "-", "--activity", "pIC50", "--out", "out", "--dry-run"],
        ["new", "out", "--data", "-"],
    ],
    ids=lambda arguments: " ".join(map(str, arguments[:4])),
)
def test_what_is_read_more_than_once_cannot_come_through_a_pipe(arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table = "smiles,pIC50\n" + "".join(f"{'C' * n}O,{n}\n" for n in range(1, 21))
    with pytest.raises(DataError, match=r"^-: expected a file, since it is read more than once, found standard input"):
        molvae(*arguments, stdin=table)
    assert not (tmp_path / "out").exists()


def test_verbs_are_chained(folder, molecules, tmp_path):
    codes = molvae("encode", folder, "-", "--threads", 1, "--device", "cpu", stdin=molecules.read_text()).stdout
    decoded = molvae("decode", folder, "-", "--device", "cpu", stdin=codes)
    assert decoded.stdout.splitlines()[0] == "name,structure,problem,smiles"
    assert [line.split(",")[0] for line in decoded.stdout.splitlines()[1:]] == ["m0", "m1", "m2", "m3"]
    molvae("decode", folder, "-", "--out", tmp_path / "a.smi", stdin=codes)
    pairs = [(row[3], row[0]) for row in csv.reader(decoded.stdout.splitlines()[1:]) if row[3]]
    assert (tmp_path / "a.smi").read_text() == "".join(f"{smiles} {name}\n" for smiles, name in pairs)


def test_samples_go_to_stdout(folder, tmp_path):
    arguments = ["sample", folder, "--n", 20, "--seed", 1, "--device", "cpu"]
    assert molvae(*arguments, "--out", tmp_path / "a.csv").exit_code == 0
    assert molvae(*arguments).stdout == (tmp_path / "a.csv").read_text()


def test_problems_are_named(folder, caplog):
    caplog.set_level("INFO", "molvae")
    result = molvae("anomaly", folder, "-", stdin="CCI iodide\nC1CC ring\nCCO ethanol\n")
    rows = list(csv.DictReader(result.stdout.splitlines()))
    assert [row["problem"] for row in rows] == ["unknown token [I]", "not a molecule", ""]
    assert [row["anomaly_score"] for row in rows][:2] == ["inf", ""]
    assert "1 of 3 molecules scored; 1 not a molecule; 1 unknown token ([I]; zinc250k knows them)" in caplog.text


def test_neighbors_of_a_file_come_with_its_columns(folder, tmp_path, smiles, caplog):
    (tmp_path / "hits.csv").write_text(f"ID,SMILES,pAct\na,{smiles[0]},5\nb,C1CC,6\nc,{smiles[1]},7\n")
    result = molvae("neighbors", folder, tmp_path / "hits.csv", "--n", 3, "--radius", 1.0)
    rows = list(csv.DictReader(result.stdout.splitlines()))
    assert list(rows[0]) == ["ID", "SMILES", "pAct", "smiles", "similarity"]
    assert {(row["ID"], row["pAct"]) for row in rows} == {("a", "5"), ("c", "7")}
    assert "b is left out: expected a molecule, found 'C1CC'" in caplog.text


def test_neighbors_are_compared_with_the_standard_form_that_was_encoded(folder, smiles, monkeypatch):
    monkeypatch.setattr(MolVAE, "neighbors", lambda *_: smiles[1:4])
    plain, salt = (
        molvae("neighbors", folder, text, "--n", 3, "--radius", 1.0).stdout for text in (smiles[0], f"{smiles[0]}.Cl")
    )
    assert plain == salt


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_neighbors_of_nothing_that_the_model_can_encode_are_refused(folder, tmp_path, ending):
    (tmp_path / "hits.smi").write_text("C1CC a\nCCI b\n")
    out = tmp_path / f"out.{ending}"
    with pytest.raises(DataError, match=r"hits\.smi: expected at least one molecule that the model can encode, found"):
        molvae("neighbors", folder, tmp_path / "hits.smi", "--out", out)
    assert not out.exists()


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_table_without_codes_gives_one_without_molecules(folder, tmp_path, ending):
    columns = {"name": pd.Series(dtype=str), **{f"z{n}": pd.Series(dtype=float) for n in range(LATENT_DIM)}}
    codes, out = tmp_path / f"codes.{ending}", tmp_path / f"out.{ending}"
    write_table(codes, pd.DataFrame(columns))
    assert molvae("decode", folder, codes, "--out", out).exit_code == 0
    table = read_table(out)
    assert (list(table.columns), len(table)) == (["name", "smiles"], 0)


def test_the_molecules_of_a_file_are_visited_in_order(folder, smiles, caplog):
    result = molvae("interpolate", folder, "-", "--steps", 3, stdin="\n".join(smiles[:3]))
    rows = list(csv.DictReader(result.stdout.splitlines()))
    assert [(row["start"], row["end"], row["step"]) for row in rows][::3] == [
        (smiles[0], smiles[1], "0"),
        (smiles[1], smiles[2], "0"),
    ]
    assert [row["smiles"] for row in rows][::2][:2] == smiles[:2]
    # One that the model cannot encode is left out, and the others are visited.
    with_odd_ones = [smiles[0], "C1CC", smiles[1], "CCI", smiles[2], "nonsense"]
    assert molvae("interpolate", folder, "-", "--steps", 3, stdin="\n".join(with_odd_ones)).stdout == result.stdout
    assert "C1CC is left out: not a molecule" in caplog.text
    assert "CCI is left out: unknown token [I]" in caplog.text
    with pytest.raises(DataError, match="-: expected at least two molecules that the model can encode, found 1; give"):
        molvae("interpolate", folder, "-", stdin="CCO\nC1CC\n")
    with pytest.raises(ConfigError, match="expected two SMILES, or a file of at least two molecules"):
        molvae("interpolate", folder, "-", stdin="CCO\n")
    with pytest.raises(ConfigError, match="expected two SMILES, or a file of at least two molecules, found CCO"):
        molvae("interpolate", folder, "CCO")


VERBS = {
    "encode": ["FILE", "--out", "OUT.csv"],
    "decode": ["CODES", "--out", "OUT.csv"],
    "interpolate": ["CCO", "CCN", "--out", "OUT.csv"],
    "neighbors": ["CCO", "--out", "OUT.csv"],
    "anomaly": ["FILE", "--out", "OUT.csv"],
    "sample": ["--out", "OUT.csv"],
    "evaluate": ["--reference", "PREPARED", "--out", "OUT"],
    "optimize": ["--objective", "qed", "--out", "OUT"],
}


@pytest.mark.parametrize("verb", VERBS)
def test_a_missing_model_is_named_and_nothing_is_written(verb, molecules, prepared, tmp_path):
    (tmp_path / "codes.csv").write_text("z0,z1\n0,0\n")
    stands_for = {"FILE": molecules, "CODES": tmp_path / "codes.csv", "PREPARED": prepared}
    arguments = [stands_for.get(argument, argument.replace("OUT", f"{tmp_path}/out")) for argument in VERBS[verb]]
    if verb in ("encode", "anomaly"):
        arguments += ["--smiles-column", "structure"]
    with pytest.raises(DataError, match="no_model: expected a model's folder, or the name of a model"):
        molvae(verb, tmp_path / "no_model", *arguments)
    assert not list(tmp_path.glob("out*"))


@pytest.mark.parametrize("verb", [verb for verb, arguments in VERBS.items() if "OUT.csv" in arguments])
def test_a_table_of_an_unknown_kind_is_refused_before_the_work(verb, tmp_path):
    (tmp_path / "file.csv").touch()
    arguments = [str(tmp_path / "file.csv") if argument in ("FILE", "CODES") else argument for argument in VERBS[verb]]
    arguments[-1] = str(tmp_path / "out.txt")
    with pytest.raises(DataError, match=r"out\.txt: expected a name that ends in \.csv"):
        molvae(verb, tmp_path / "no_model", *arguments)


def test_a_folder_that_is_not_prepared_is_named(settings, tmp_path):
    with pytest.raises(DataError, match=r"molecules\.parquet: expected a file or folder here, found none"):
        molvae("train", tmp_path / "nothing", "--out", tmp_path / "train", "--config", settings)


def test_a_prior_that_the_run_does_not_try_is_a_wrong_setting(folder, tmp_path):
    arguments = ["--set", "train.priors=[normal]", "--set", "sample.prior=decoder"]
    with pytest.raises(ConfigError, match=r"sample\.prior: expected best or one of train\.priors"):
        molvae("sample", folder, "--out", tmp_path / "out.csv", *arguments)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize("verb", ["encode", "anomaly"])
def test_blocks_of_molecules_give_the_same_table_as_all_at_once(folder, tmp_path, smiles, monkeypatch, verb, ending):
    source = tmp_path / "molecules.smi"
    source.write_text("".join(f"{text} m{n}\n" for n, text in enumerate(smiles[:20])))
    tables = []
    for rows in (1000, 7):
        monkeypatch.setattr("molvae.files.BLOCK_ROWS", rows)
        assert molvae(verb, folder, source, "--out", tmp_path / f"{rows}.{ending}").exit_code == 0
        tables.append(read_table(tmp_path / f"{rows}.{ending}"))
    pd.testing.assert_frame_equal(*tables, atol=1e-5)


@pytest.mark.parametrize("radius", ["nan", "inf"])
def test_a_radius_is_a_finite_number(radius):
    result = CliRunner().invoke(app, ["neighbors", "zinc250k", "CCO", "--radius", radius])
    assert result.exit_code == 2
    assert "--radius" in result.output
