"""`molvae propose`."""

import numpy as np
import pandas as pd
import pytest
from rdkit import Chem
from typer.testing import CliRunner

import molvae
from molvae.chem.descriptors import compute_properties
from molvae.chem.fingerprints import morgan_bits, tanimoto_matrix
from molvae.chem.sdf import write_sdf
from molvae.cli.main import app
from molvae.errors import ConfigError, DataError
from molvae.tables import PLATE
from tests.fixtures.property_head import save_with_head


def run(*arguments):
    return CliRunner().invoke(app, ["propose", *map(str, arguments)], catch_exceptions=False)


def learned_plate(folder, measured, *arguments):
    return run(folder, "--measured", measured, "--column", "logp", *arguments)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, model):
    path = tmp_path_factory.mktemp("model") / "model"
    model.save(path)
    return path


@pytest.fixture
def measured(tmp_path, smiles):
    path = tmp_path / "results.csv"
    molecules = smiles[:60]
    table = pd.DataFrame({"smiles": molecules, "logp": compute_properties(molecules, ["logp"])["logp"]})
    table.to_csv(path, index=False)
    return path


@pytest.fixture
def pool(tmp_path, smiles):
    path = tmp_path / "pool.csv"
    pd.DataFrame({"smiles": [*smiles[40:240], "nonsense"], "id": range(201)}).to_csv(path, index=False)
    return path


def test_a_plate_is_chosen_from_a_pool(folder, measured, pool, tmp_path, smiles):
    out = tmp_path / "plate.csv"
    options = ("--measured", measured, "--column", "logp", "--pool", pool, "--n", 10)
    assert run(folder, *options, "--out", out).exit_code == 0
    plate = pd.read_csv(out)
    assert plate.columns.tolist() == [*PLATE.names, "id"]
    assert len(plate) == plate["smiles"].nunique() == 10
    assert not set(plate["smiles"]) & set(smiles[:60])
    assert set(plate["nearest"]) <= set(smiles[:60])
    assert (plate["low"] < plate["predicted"]).all()
    assert (plate["predicted"] < plate["high"]).all()
    assert [text.partition(":")[0] for text in plate["why"]] == ["exploit"] * 8 + ["explore"] * 2
    rest = compute_properties(smiles[60:240], ["logp"])["logp"]
    assert compute_properties(plate["smiles"].tolist(), ["logp"])["logp"].mean() > rest.quantile(0.9)
    bits = morgan_bits(plate["smiles"].tolist(), 2048)
    similarity = tanimoto_matrix(bits, bits)
    assert similarity[similarity < 1.0].max() <= 0.7
    rejected = pd.read_csv(tmp_path / "plate_rejected.csv")
    assert rejected["line"].tolist() == [202]
    # The same again, byte by byte.
    assert run(folder, *options, "--out", tmp_path / "again.csv").exit_code == 0
    assert (tmp_path / "again.csv").read_bytes() == out.read_bytes()


def test_a_file_of_others_next_to_the_plate_is_not_touched(folder, measured, pool, tmp_path, monkeypatch):
    notes = tmp_path / "plate_rejected.csv"
    notes.write_text("smiles,line,input,reason\nCCO,1,2,too dear\n")
    monkeypatch.setattr("molvae.propose.face.plate", lambda *_, **__: pytest.fail("worked before it looked"))
    with pytest.raises(DataError, match=r"plate_rejected.csv: expected nothing of this name, or a table of rejected"):
        learned_plate(folder, measured, "--pool", pool, "--n", 5, "--out", tmp_path / "plate.csv")
    assert notes.read_text().endswith("too dear\n")


def test_the_rejected_rows_of_a_plate_before_are_replaced_and_removed(folder, measured, pool, tmp_path):
    options = ("--pool", pool, "--n", 5, "--out", tmp_path / "plate.csv")
    for rejected in ([202], [202], None):
        if rejected is None:
            pd.read_csv(pool)[:-1].to_csv(pool, index=False)
        assert learned_plate(folder, measured, *options).exit_code == 0
        found = tmp_path / "plate_rejected.csv"
        assert (pd.read_csv(found)["line"].tolist() if found.exists() else None) == rejected


def test_lower_values_are_better_with_minimise(folder, measured, pool, tmp_path, smiles):
    learned_plate(folder, measured, "--pool", pool, "--n", 10, "--minimise", "--out", tmp_path / "low.csv")
    plate = pd.read_csv(tmp_path / "low.csv")
    assert plate["predicted"].is_monotonic_increasing or plate["predicted"][:8].is_monotonic_increasing
    assert (plate["low"] < plate["high"]).all()
    rest = compute_properties(smiles[60:240], ["logp"])["logp"]
    assert compute_properties(plate["smiles"].tolist(), ["logp"])["logp"].mean() < rest.quantile(0.2)


def test_with_more_results_nothing_is_proposed_again(folder, measured, pool, tmp_path):
    out = tmp_path / "plate.csv"
    learned_plate(folder, measured, "--pool", pool, "--n", 10, "--out", out)
    first = pd.read_csv(out)["smiles"].tolist()
    values = compute_properties(first, ["logp"])["logp"]
    pd.concat([pd.read_csv(measured), pd.DataFrame({"smiles": first, "logp": values})]).to_csv(measured, index=False)
    learned_plate(folder, measured, "--pool", pool, "--n", 10, "--out", out)
    assert not set(pd.read_csv(out)["smiles"]) & set(first)


def test_a_first_plate_is_diverse(folder, pool, tmp_path):
    assert run(folder, "--pool", pool, "--n", 12, "--out", tmp_path / "first.csv").exit_code == 0
    plate = pd.read_csv(tmp_path / "first.csv")
    assert plate["predicted"].isna().all()
    bits = morgan_bits(plate["smiles"].tolist(), 2048)
    similarity = tanimoto_matrix(bits, bits)
    assert similarity[similarity < 1.0].max() < 0.35


def test_few_measurements_are_explored_away_from(folder, measured, pool, tmp_path, caplog):
    few = pd.read_csv(measured)[:5]
    few.to_csv(measured, index=False)
    with caplog.at_level("WARNING", logger="molvae"):
        learned_plate(folder, measured, "--pool", pool, "--n", 6, "--out", tmp_path / "plate.csv")
    assert "expected at least 10 molecules with a value to learn from, found 5; the plate explores" in caplog.text
    plate = pd.read_csv(tmp_path / "plate.csv")
    assert set(plate["nearest"]) <= set(few["smiles"])
    assert plate["why"].str.startswith("explore: nearest measured").all()


def invent_less(monkeypatch):
    for name, n in {"_N_SAMPLES": 500, "_N_CENTRES": 5, "_N_GENERATIONS": 2, "_N_CHILDREN": 50}.items():
        monkeypatch.setattr(f"molvae.propose.invented.{name}", n)


@pytest.mark.parametrize("column", ["Aktivität 😀", "a: b\u2028#", "1.5"])
def test_the_column_may_have_any_name(folder, measured, pool, tmp_path, column):
    pd.read_csv(measured).rename(columns={"logp": column}).to_parquet(tmp_path / "results.parquet")
    options = ("--column", column, "--pool", pool, "--n", 5, "--out", tmp_path / "p.csv")
    assert run(folder, "--measured", tmp_path / "results.parquet", *options).exit_code == 0
    assert pd.read_csv(tmp_path / "p.csv")["predicted"].notna().all()


@pytest.mark.parametrize("with_values", [True, False])
def test_a_model_invents_where_there_is_no_pool(folder, measured, with_values, monkeypatch):
    invent_less(monkeypatch)
    settings = {"measured": measured, "column": "logp"} if with_values else {}
    plate = molvae.propose(folder, n=5, seed=2, **settings)
    assert plate.columns.tolist() == PLATE.names
    assert len(plate) == 5
    assert all(Chem.MolFromSmiles(text) is not None for text in plate["smiles"])
    assert plate["predicted"].notna().all() == with_values
    assert plate.equals(molvae.propose(folder, n=5, seed=2, **settings))


def test_impossible_requests_are_refused_before_anything_is_written(folder, measured, pool, tmp_path):
    out = tmp_path / "plate.csv"
    known = ("--measured", measured, "--column", "logp", "--out", out)
    assert run(folder, "--pool", pool, "--n", 0, *known).exit_code == 2
    with pytest.raises(DataError, match="expected at least 500 molecules to choose from, found 180 in 201 rows"):
        run(folder, "--pool", pool, "--n", 500, *known)
    with pytest.raises(ConfigError, match="expected one column 'logP', found none"):
        run(folder, "--pool", pool, "--measured", measured, "--column", "logP", "--out", out)
    with pytest.raises(ConfigError, match="expected measured with column, or with an objective"):
        run(folder, "--pool", pool, "--measured", measured, "--out", out)
    (tmp_path / "no_smiles.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ConfigError, match="expected a column with SMILES"):
        run(folder, "--pool", tmp_path / "no_smiles.csv", *known)
    equal = pd.read_csv(measured).assign(logp=1.0)
    equal.to_csv(measured, index=False)
    with pytest.raises(DataError, match="expected different values, found 1 for all 60 molecules"):
        run(folder, "--pool", pool, *known)
    equal.assign(logp="high").to_csv(measured, index=False)
    with pytest.raises(DataError, match="expected numbers"):
        run(folder, "--pool", pool, *known)
    assert not out.exists()


def test_what_was_measured_without_a_value_is_not_proposed(folder, measured, tmp_path, smiles):
    """All of the pool but ten molecules was measured: with a bound, or as a word."""
    results = pd.concat(
        [
            pd.read_csv(measured).astype({"logp": str}),
            pd.DataFrame({"smiles": smiles[60:90], "logp": [">5", "inactive", "<1"] * 10}),
        ]
    )
    results.to_csv(measured, index=False)
    (tmp_path / "pool.smi").write_text("\n".join(smiles[:100]))
    learned_plate(folder, measured, "--pool", tmp_path / "pool.smi", "--n", 10, "--out", tmp_path / "p.csv")
    assert set(pd.read_csv(tmp_path / "p.csv")["smiles"]) == set(smiles[90:100])


def test_bounds_alone_are_explored_away_from(folder, tmp_path, pool, smiles):
    (tmp_path / "bounds.csv").write_text("smiles,logp\n" + "".join(f"{text},>5\n" for text in smiles[40:50]))
    learned_plate(folder, tmp_path / "bounds.csv", "--pool", pool, "--n", 6, "--out", tmp_path / "p.csv")
    plate = pd.read_csv(tmp_path / "p.csv")
    assert len(plate) == 6
    assert not set(plate["smiles"]) & set(smiles[40:50])
    assert (plate["why"] == "explore: no value is measured yet, unlike the rest of the plate").all()


def test_constraints_of_own_code_are_refused(folder, measured, pool, tmp_path):
    (tmp_path / "own.py").write_text("def price(smiles):\n    return [1.0 for _ in smiles]\n")
    (tmp_path / "own.yaml").write_text(
        "name: own\nterms: [{property: qed}]\nconstraints: [{python: own:price, name: price, max: 2}]\n"
    )
    with pytest.raises(
        ConfigError, match="expected constraints that molvae computes, found price, which your own code"
    ):
        learned_plate(
            folder, measured, "--pool", pool, "--objective", tmp_path / "own.yaml", "--out", tmp_path / "p.csv"
        )


def test_a_constraint_may_be_what_the_property_head_of_the_model_predicts(model, measured, pool, tmp_path):
    head = save_with_head(model, tmp_path / "head")
    candidates = pd.read_csv(pool)["smiles"][20:-1].tolist()
    limit = float(np.nanmedian(molvae.load(head, "cpu").predict(candidates)["logp"]))
    (tmp_path / "low.yaml").write_text(
        f"name: low\nterms: [property: qed]\nconstraints: [{{predict: logp, max: {limit}}}]\n"
    )
    options = ("--n", 5, "--objective", tmp_path / "low.yaml", "--out", tmp_path / "p.csv")
    assert learned_plate(head, measured, "--pool", pool, *options).exit_code == 0
    chosen = pd.read_csv(tmp_path / "p.csv")["smiles"].tolist()
    assert (molvae.load(head, "cpu").predict(chosen)["logp"] <= limit + 0.01).all()


def test_where_hardly_anything_has_no_alert_the_plate_says_so(folder, tmp_path, caplog):
    nitro = [f"{'C' * n}c1ccc([N+](=O)[O-])cc1" for n in range(1, 9)]
    (tmp_path / "pool.smi").write_text("\n".join([*nitro, "CCO", "c1ccccc1CO"]))
    with caplog.at_level("WARNING", logger="molvae"):
        run(folder, "--pool", tmp_path / "pool.smi", "--n", 4, "--out", tmp_path / "p.csv")
    assert {"CCO", "c1ccccc1CO"} < set(pd.read_csv(tmp_path / "p.csv")["smiles"])
    assert (
        "expected at least 4 molecules without structural alerts (PAINS, BRENK), found 2; 2 of the plate have"
        in caplog.text
    )


def test_constraints_that_nothing_invented_satisfies_end_with_a_line(folder, measured, tmp_path, monkeypatch):
    invent_less(monkeypatch)
    (tmp_path / "gold.yaml").write_text(
        "name: gold\nterms: [{property: qed}]\nconstraints: [{property: logp, min: 90}]\n"
    )
    with pytest.raises(
        DataError, match="expected 5 new molecules that are plausible and satisfy the constraints, found 0"
    ):
        learned_plate(folder, measured, "--objective", tmp_path / "gold.yaml", "--n", 5, "--out", tmp_path / "p.csv")


def test_analogues_of_what_is_measured_are_not_said_to_be_analogues_on_the_plate(folder, tmp_path, caplog):
    (tmp_path / "results.csv").write_text("smiles,logp\nCCCCCCCCCO,3\n")
    (tmp_path / "pool.smi").write_text("CCCCCCCCCCO\nCOc1ccc(CCO)cc1\nCOc1ccc(CCCO)cc1\n")
    with caplog.at_level("WARNING", logger="molvae"):
        learned_plate(
            *(folder, tmp_path / "results.csv", "--pool", tmp_path / "pool.smi"), "--n", 3, "--out", tmp_path / "p.csv"
        )
    why = dict(pd.read_csv(tmp_path / "p.csv")[["smiles", "why"]].to_numpy())
    assert why["CCCCCCCCCCO"].endswith("unlike the rest of the plate")
    twins = [text for text in why.values() if "close analogue of another one on the plate" in text]
    assert len(twins) == 1
    assert "unlike" not in twins[0]
    assert "1 of 3 molecules are close analogues of others on the plate" in caplog.text


def test_a_plate_may_be_the_pool_of_a_plate_time_and_again(folder, measured, pool, tmp_path):
    for number in range(4):
        plate = tmp_path / f"plate{number}.parquet"
        assert learned_plate(folder, measured, "--pool", pool, "--n", 8 - number, "--out", plate).exit_code == 0
        pool = plate
    names = pd.read_parquet(plate).columns.tolist()
    assert len(set(names)) == len(names)
    assert [name for name in names if name.endswith("why")] == [
        "why",
        "pool.why",
        "pool.pool.why",
        "pool.pool.pool.why",
    ]


def test_an_sd_file_may_hold_the_results_and_the_pool(folder, measured, pool, tmp_path):
    (tmp_path / "greasy.yaml").write_text("name: greasy\nterms: [{property: logp, maximise: {low: -5, high: 9}}]\n")
    results, catalogue = pd.read_csv(measured), pd.read_csv(pool)[:-1]
    write_sdf(tmp_path / "results.sdf", results["smiles"], results["smiles"], results[["logp"]])
    write_sdf(
        tmp_path / "pool.sdf", catalogue["smiles"], catalogue["smiles"], catalogue[["id"]].rename(columns=str.upper)
    )
    options = ("--n", 10, "--objective", tmp_path / "greasy.yaml")
    run(
        folder,
        "--measured",
        tmp_path / "results.sdf",
        "--pool",
        tmp_path / "pool.sdf",
        *options,
        "--out",
        tmp_path / "sdf.csv",
    )
    run(folder, "--measured", measured, "--pool", pool, *options, "--out", tmp_path / "csv.csv")
    sdf, csv = (pd.read_csv(tmp_path / f"{kind}.csv") for kind in ("sdf", "csv"))
    assert sdf.columns.tolist() == [*PLATE.names, "id", "ID"]
    assert sdf["ID"].tolist() == csv["id"].tolist()
