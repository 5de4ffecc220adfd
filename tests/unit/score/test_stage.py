import json
import random
from itertools import chain, zip_longest
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rdkit import Chem
from typer.testing import CliRunner

from molvae import parallel
from molvae.chem.descriptors import PROPERTIES
from molvae.chem.timeout import Outcome
from molvae.config import ScoreConfig
from molvae.errors import DataError
from molvae.metrics.reference import reference_statistics
from molvae.provenance import recorded_sources, software
from molvae.score.charts import write_charts
from molvae.score.describe import describe
from molvae.score.reference import Reference, from_prepared
from molvae.score.stage import score
from tests.fixtures.malformed import malformed_strings

GOLDEN = Path(__file__).parents[2] / "golden"
MALFORMED = ["", "C(C", "not a molecule", "N(C)(C)(C)(C)C", "c1ccc1c"]


@pytest.fixture(scope="module")
def moses():
    """Return samples and reference of the golden comparison."""
    molecules = pd.read_csv(GOLDEN / "moses_molecules.csv")
    sets = {name: group["smiles"].tolist() for name, group in molecules.groupby("set")}
    return sets["generated"], Reference(sets["train"], sets["test"], sets["test_scaffolds"])


@pytest.fixture(scope="module")
def scored(tmp_path_factory, moses):
    """Return the metrics, the metrics file and the table of the golden comparison, and the folder."""
    out = tmp_path_factory.mktemp("score")
    metrics = score(*moses, out, ScoreConfig(), seed=1)
    return metrics, json.loads((out / "metrics.json").read_text()), pd.read_csv(out / "molecules.csv"), out


GOLDEN_VALUES = json.loads((GOLDEN / "moses_metrics.json").read_text())
RATIOS = {"valid", "unique@1000", "unique@10000", "Filters", "Novelty"}


@pytest.mark.parametrize("name", GOLDEN_VALUES)
def test_the_value_is_that_of_the_moses_package(scored, name):
    tolerance = 1e-6 if name in RATIOS else 0.005 if name.startswith("FCD") else 1e-4
    assert scored[0][name].value == pytest.approx(GOLDEN_VALUES[name], abs=tolerance, rel=0)


def test_every_moses_metric_is_there_and_no_other(scored):
    assert set(scored[0]) == set(GOLDEN_VALUES)


def test_the_file_has_value_denominator_and_definition_of_every_metric(scored, moses):
    for name, entry in scored[1]["moses"].items():
        assert entry["value"] == scored[0][name].value
        assert entry["definition"].endswith(".")
    assert scored[1]["moses"]["valid"]["n"] == len(moses[0])
    assert scored[1]["moses"]["FCD/TestSF"]["n_reference"] == len(moses[1].test_scaffolds)


@pytest.mark.parametrize("name", ["unique@1000", "FCD/Test"])
def test_a_sample_that_is_too_small_has_a_warning(scored, name):
    assert "fewer than" in scored[1]["moses"][name]["warning"]


def test_properties_are_summarised_for_both_sets(scored):
    summary = scored[1]["properties"]["mol_weight"]
    assert summary["test"]["n"] == 100
    assert 250 < summary["test"]["mean"] < 350
    assert summary["generated"]["sd"] > summary["test"]["sd"] > 0


def test_the_table_has_a_row_a_sample_in_order(scored, moses):
    table = scored[2]
    assert table["smiles"].tolist() == moses[0]
    assert table.columns.tolist() == [
        *["smiles", "canonical_smiles", "valid", "problem", *PROPERTIES, "passes_veber", "alerts", "n_alerts"],
        *["passes_filters", "novel", "nearest_train_smiles", "nearest_train_similarity", "scaffold"],
        *["scaffold_in_train", "known_ring_systems", "rarest_ring_system", "inchikey"],
    ]


def test_the_table_agrees_with_the_metrics(scored):
    metrics, _, table, _ = scored
    valid = table[table["valid"]]
    assert table["valid"].mean() == metrics["valid"].value
    assert valid["passes_filters"].mean() == metrics["Filters"].value
    assert valid.drop_duplicates("canonical_smiles")["novel"].mean() == metrics["Novelty"].value


def test_a_training_molecule_is_its_own_nearest_and_not_novel(scored):
    known = scored[2].query("valid and not novel")
    assert len(known) == 6
    assert known["nearest_train_smiles"].tolist() == known["canonical_smiles"].tolist()
    assert set(known["nearest_train_similarity"]) == {1.0}
    assert known["scaffold_in_train"].all()


def test_ethanol_is_described_by_what_it_is(scored):
    ethanol = scored[2].set_index("smiles").loc["CCO"]
    assert ethanol["inchikey"] == "LFQSCWFLJHTTHZ-UHFFFAOYSA-N"
    assert pd.isna(ethanol["scaffold"])
    assert not ethanol["scaffold_in_train"]
    assert ethanol["n_alerts"] == 0


def test_malformed_strings_count_and_have_rows_without_values(tmp_path, moses):
    metrics = score([*MALFORMED, "CCO", "CCN"], moses[1], tmp_path, ScoreConfig(), seed=1)
    table = pd.read_csv(tmp_path / "molecules.csv", keep_default_na=False)
    assert metrics["valid"].value == pytest.approx(2 / 7)
    assert table["valid"].tolist() == [False] * 5 + [True] * 2
    for name in ("passes_filters", "novel", "scaffold_in_train"):
        assert not table.loc[:4, name].any()
    assert set(table.loc[:4, ["canonical_smiles", "qed", "alerts", "n_alerts", "inchikey"]].to_numpy().ravel()) == {""}


def test_malformed_strings_are_each_reported_and_change_nothing_of_the_others(tmp_path, moses, scored, monkeypatch):
    monkeypatch.setattr("molvae.score.describe.TIME_LIMIT_S", 0.2)
    monkeypatch.setattr("molvae.chem.molecules.MAX_SMILES_LENGTH", 2_000)
    malformed = [smiles for _, smiles in malformed_strings(96, seed=1)]
    strings = list(chain.from_iterable(zip_longest(moses[0], malformed)))
    strings = [text for text in strings if text is not None]
    score(strings, moses[1], tmp_path, ScoreConfig(), seed=1)
    table = pd.read_csv(tmp_path / "molecules.csv", keep_default_na=False, na_values={"qed": [""]})
    assert len(table) == len(strings)
    assert ((table["problem"] != "") == ~table["valid"]).all()
    assert table["valid"].sum() < len(moses[0]) + 60
    given = dict(zip(scored[2]["smiles"], scored[2].to_dict("records"), strict=True))
    known = table[table["smiles"].isin(given)]
    assert len(known) == len(moses[0])
    for row in known.to_dict("records"):
        expected = given[row["smiles"]]
        for name in ("canonical_smiles", "valid", "qed", "n_alerts", "inchikey", "nearest_train_similarity"):
            assert pd.isna(expected[name]) or str(row[name]).removesuffix(".0") == str(expected[name]).removesuffix(
                ".0"
            )


def test_what_was_measured_of_the_nearest_training_molecule_stands_beside_each(tmp_path, smiles):
    columns = pd.DataFrame({"id": ["a", "bad", "b"], "pIC50": [5.5, 1.0, np.nan]})
    reference = Reference([smiles[0], "C(", smiles[1]], smiles[2:12], train_columns=columns)
    score([smiles[1], "x", smiles[0]], reference, tmp_path, ScoreConfig(), seed=1)
    table = pd.read_csv(tmp_path / "molecules.csv")
    assert table["nearest_train_id"].tolist()[::2] == ["b", "a"]
    assert table["nearest_train_pIC50"].fillna(-1).tolist() == [-1, -1, 5.5]


def test_rings_that_no_training_molecule_has_are_told(tmp_path, smiles):
    reference = Reference(["c1ccccc1CC", "c1ccccc1", "CCO"], smiles[:10])
    score(["c1ccccc1N", "C1CC2CC12", "CCN", "c1ccccc1C1CC1"], reference, tmp_path, ScoreConfig(), seed=1)
    table = pd.read_csv(tmp_path / "molecules.csv")
    assert table["known_ring_systems"].tolist() == [1.0, 0.0, 1.0, 0.5]
    assert table["rarest_ring_system"].fillna(-1).tolist() == [2, 0, -1, 0]


def test_valid_molecules_are_written_as_sd_file_with_what_is_known_of_them(scored, moses):
    with Chem.SDMolSupplier(str(scored[3] / "molecules.sdf")) as supplier:
        mols = list(supplier)
    valid = scored[2][scored[2]["valid"]]
    assert [Chem.MolToSmiles(mol) for mol in mols] == valid["canonical_smiles"].tolist()
    assert [mol.GetProp("_Name") for mol in mols] == [f"sample-{row + 1}" for row in valid.index]
    assert [float(mol.GetProp("qed")) for mol in mols] == pytest.approx(valid["qed"].tolist(), rel=1e-5)
    assert mols[0].GetConformer().Is3D() is False


@pytest.mark.parametrize("name", ["properties", "similarity", "scaffolds", "alerts"])
def test_figures_are_written(scored, name):
    drawn = (scored[3] / "figures" / f"{name}.svg").read_text()
    assert drawn.startswith("<svg")
    assert drawn.count("<path") > 3


def test_two_scaffolds_whose_long_names_begin_alike_have_two_bars(scored, moses, tmp_path):
    long = "c1ccc(" + "CC" * 30
    scaffolds = [f"{long}c2ccccc2)cc1"] * 3 + [f"{long}c2ccncc2)cc1"] * 2
    valid = scored[2][scored[2]["valid"]][:5].assign(scaffold=scaffolds)
    write_charts(tmp_path, valid, reference_statistics(moses[1].test, 1))
    drawn = (tmp_path / "scaffolds.svg").read_text()
    assert [text in drawn for text in ("molecules: 3; ", "molecules: 2; ", "molecules: 5; ")] == [True, True, False]
    assert "…</text>" in drawn


def test_a_model_says_which_molecules_it_does_not_know(tmp_path, model, smiles):
    strings = ["CSSSSSSSSSSSSSC", "x", *smiles[:3]]
    score(strings, Reference(smiles[:50], smiles[50:100]), tmp_path, ScoreConfig(), seed=1, model=model)
    table = pd.read_csv(tmp_path / "molecules.csv")
    scores = model.anomaly_score(smiles[50:100])
    assert table["outside_domain"].tolist()[:2] == [True, False]
    assert pd.isna(table["anomaly_percentile"][1])
    for row in (2, 3, 4):
        assert table["anomaly_percentile"][row] == pytest.approx(100 * np.mean(scores < table["anomaly_score"][row]))


def test_every_metric_of_moses_has_an_interval_that_holds_it(scored):
    for name, metric in scored[0].items():
        low, high = metric.interval
        assert low <= metric.value <= high, name


def test_the_file_says_which_source_wrote_it(scored):
    assert scored[1]["software"] == software()
    assert recorded_sources(scored[3]) == {"metrics.json": software()["source"]}


def test_training_strings_that_are_not_canonical_leave_the_right_novelty(tmp_path, moses, caplog):
    caplog.set_level("INFO", logger="molvae")
    reference = Reference(["OCC", "CCN"], moses[1].test)
    metrics = score(["CCO", "CCC"], reference, tmp_path, ScoreConfig(), seed=1)
    content = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["Novelty"].value == 1.0
    assert metrics["Novelty"].warning == "0.5 by canonical SMILES: not all training strings are canonical"
    assert (content["novelty"]["value"], content["novelty"]["n"], content["novelty"]["n_reference"]) == (0.5, 2, 2)
    assert "novel 0.5000" in caplog.text


def test_canonical_training_strings_give_one_novelty_without_a_warning(scored):
    assert scored[1]["novelty"]["value"] == scored[0]["Novelty"].value
    assert scored[0]["Novelty"].warning is None


@pytest.mark.parametrize("outcome", [Outcome.TOO_SLOW, Outcome.CRASHED])
def test_a_string_that_is_too_slow_or_crashes_is_neither_valid_nor_invalid(tmp_path, moses, monkeypatch, outcome):
    odd = "C" * 600
    monkeypatch.setattr("molvae.score.describe.map_within", lambda function, items, seconds: [outcome] * len(items))
    metrics = score(["CCO", odd, "C(", odd, "CCN"], moses[1], tmp_path, ScoreConfig(), seed=1)
    table = pd.read_csv(tmp_path / "molecules.csv", keep_default_na=False)
    assert (metrics["valid"].value, metrics["valid"].n) == (pytest.approx(2 / 3), 3)
    assert metrics["valid"].warning.startswith("2 samples are left out, whose description took more than 5 s")
    guacamol = json.loads((tmp_path / "metrics.json").read_text())["guacamol"]["validity"]
    assert (guacamol["value"], guacamol["n"]) == (pytest.approx(2 / 3), 3)
    assert guacamol["warning"].startswith("2 samples are left out")
    assert table["canonical_smiles"].tolist() == ["CCO", "", "", "", "CCN"]
    assert table["problem"][1].startswith(outcome.value)


def test_long_strings_keep_their_place_among_the_others(moses):
    strings = ["C" * 600, "CCO", "C(", "C" * 601, "CCN", "C%11" * 11]
    generated = describe(strings, 1)
    assert generated.molecules.smiles == ["C" * 600, "CCO", "C" * 601, "CCN"]
    assert generated.molecules.properties["heavy_atoms"].tolist() == [600, 3, 601, 3]
    assert generated.is_valid.tolist() == [True, True, False, True, True, False]
    assert np.allclose(generated.activations[3:], describe(["CCN"], 1).activations, atol=1e-4)


def test_samples_without_a_molecule_have_metrics_without_a_value(tmp_path, moses):
    score(MALFORMED, moses[1], tmp_path, ScoreConfig(), seed=1)
    metrics = json.loads((tmp_path / "metrics.json").read_text())["moses"]
    assert metrics["valid"]["value"] == 0
    assert {entry["value"] for name, entry in metrics.items() if name != "valid"} == {None}
    assert not pd.read_csv(tmp_path / "molecules.csv")["valid"].any()


def test_a_single_molecule_has_no_fcd_but_the_other_metrics(tmp_path, moses):
    metrics = score(["CCO"], moses[1], tmp_path, ScoreConfig(), seed=1)
    content = json.loads((tmp_path / "metrics.json").read_text())
    assert content["moses"]["FCD/Test"]["value"] is None
    assert metrics["IntDiv"].value == pytest.approx(0)
    assert content["properties"]["qed"]["generated"]["sd"] is None


def test_the_order_of_the_samples_changes_no_metric(tmp_path, moses, scored):
    shuffled = list(moses[0])
    random.Random(0).shuffle(shuffled)
    metrics = score(shuffled, moses[1], tmp_path, ScoreConfig(), seed=1)
    for name, metric in metrics.items():
        assert metric.value == pytest.approx(scored[0][name].value, rel=1e-4, abs=1e-6), name


def test_the_number_of_processes_changes_no_byte(tmp_path, moses, scored, monkeypatch):
    monkeypatch.setattr(parallel, "MIN_FOR_A_POOL", 1)
    monkeypatch.setattr(parallel, "CHUNK_SIZE", 100)
    for n_jobs in (1, 2):
        score(*moses, tmp_path / str(n_jobs), ScoreConfig(), seed=1, n_jobs=n_jobs)
    for name in ("metrics.json", "molecules.csv"):
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()


def test_a_part_of_the_reference_is_drawn_by_the_seed(moses):
    reference = moses[1]
    drawn = reference.thinned(20, seed=1)
    assert drawn == reference.thinned(20, seed=1)
    assert drawn != reference.thinned(20, seed=2)
    assert drawn.train == reference.train
    assert [smiles for smiles in reference.test if smiles in set(drawn.test)] == drawn.test
    assert (len(drawn.test), len(drawn.test_scaffolds)) == (20, 20)
    assert reference.thinned(None, seed=1) == reference


def test_no_samples_have_metrics_without_values(tmp_path, moses):
    score([], moses[1], tmp_path, ScoreConfig(), seed=1)
    metrics = json.loads((tmp_path / "metrics.json").read_text())["moses"]
    assert {(metric["value"], metric["n"]) for metric in metrics.values()} == {(None, 0)}
    assert pd.read_csv(tmp_path / "molecules.csv").empty


@pytest.mark.parametrize("reference", [Reference([], ["CCO", "CCN"]), Reference(["CCO"], ["x", "y"])])
def test_a_reference_without_molecules_is_an_error_that_names_it(tmp_path, reference):
    with pytest.raises(DataError, match=r"expected (train|Test) molecules to compare with, found none among"):
        score(["CCO"], reference, tmp_path, ScoreConfig(), seed=1)
    assert not list(tmp_path.iterdir())


def test_a_prepared_folder_gives_its_train_and_test_splits(prepared):
    table = pd.read_parquet(prepared / "molecules.parquet")
    reference = from_prepared(prepared)
    assert reference.train == table.loc[table["split"] == "train", "smiles"].tolist()
    assert reference.test == table.loc[table["split"] == "test", "smiles"].tolist()


def test_a_prepared_folder_without_a_test_split_is_an_error_that_names_the_setting(tmp_path):
    pd.DataFrame({"id": ["a"], "smiles": ["CCO"], "split": ["train"]}).to_parquet(tmp_path / "molecules.parquet")
    with pytest.raises(DataError, match="expected molecules in the test split, found none; see the fractions"):
        from_prepared(tmp_path)


def run(*arguments):
    from molvae.cli.main import app

    return CliRunner().invoke(app, ["score", *map(str, arguments)])


def test_the_command_scores_files_and_counts_empty_rows(tmp_path, smiles):
    pd.DataFrame({"smiles": ["CCO", None, "x", smiles[0]]}).to_csv(tmp_path / "samples.csv", index=False)
    for name, part in {"train": smiles[:40], "test": smiles[40:60], "scaffolds": smiles[60:80]}.items():
        pd.DataFrame({"SMILES": part, "SPLIT": name}).to_csv(tmp_path / f"{name}.csv.gz", index=False)
    files = [f"--train={tmp_path}/train.csv.gz", f"--test={tmp_path}/test.csv.gz"]
    scaffolds = f"--test-scaffolds={tmp_path}/scaffolds.csv.gz"
    out = tmp_path / "out"
    outcome = run(tmp_path / "samples.csv", *files, scaffolds, "--out", out, "--threads", 1)
    assert outcome.exit_code == 0, outcome.output
    metrics = json.loads((out / "metrics.json").read_text())["moses"]
    assert (metrics["valid"]["value"], metrics["valid"]["n"]) == (0.5, 4)
    assert metrics["SNN/TestSF"]["n_reference"] == 20


def test_fewer_reference_molecules_bound_the_test_set_and_what_guacamol_compares_with(tmp_path, prepared, smiles):
    reference = from_prepared(prepared)
    score(smiles[:30], reference, tmp_path / "out", ScoreConfig(n_reference=7), seed=1)
    content = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert content["moses"]["SNN/Test"]["n_reference"] == min(7, len(reference.test))
    assert content["guacamol"]["kl_divergence"]["n_reference"] == 7
    # Novelty is exact whatever the distributions are compared with.
    assert content["guacamol"]["novelty"]["n_reference"] == len(set(reference.train))


def test_the_command_scores_candidates_against_a_prepared_folder(tmp_path, prepared, smiles):
    candidates = pd.DataFrame({"rank": [1, 2], "smiles": smiles[:2], "nearest_train_smiles": smiles[2:4]})
    candidates.to_csv(tmp_path / "candidates.csv", index=False)
    out = tmp_path / "out"
    outcome = run(tmp_path / "candidates.csv", "--reference", prepared, "--out", out, "--threads", 1)
    assert outcome.exit_code == 0, outcome.output
    assert pd.read_csv(out / "molecules.csv")["smiles"].tolist() == smiles[:2]


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--train=a.smi"],
        ["--reference=p", "--train=a.smi", "--test=b.smi"],
        ["--reference=p", "--test-scaffolds=c.smi"],
    ],
)
def test_the_command_wants_one_kind_of_reference(tmp_path, options):
    outcome = run("samples.csv", *options, "--out", tmp_path / "out")
    assert outcome.exit_code == 2
    assert "expected either --reference" in " ".join(outcome.output.replace("│", " ").split())


@pytest.mark.timeout(60)
def test_a_reference_molecule_that_takes_too_long_is_left_out_and_told(tmp_path, monkeypatch, caplog):
    from molvae.score.reference import from_files

    monkeypatch.setattr("molvae.score.describe.TIME_LIMIT_S", 1.0)
    (tmp_path / "a.smi").write_text("CCO\n" + "C" + ".C" * 4000 + "\nCCN\n")
    with caplog.at_level("WARNING", logger="molvae"):
        reference = from_files(tmp_path / "a.smi", tmp_path / "a.smi")
    assert reference.train == reference.test == ["CCO", "", "CCN"]
    assert "1 of 3 reference molecules are left out" in caplog.text
