"""Files as people have them, prepared whole: what is kept, with which values, and what is said about the rest."""

import logging
from contextlib import nullcontext, suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rdkit import Chem
from rdkit.Chem import rdDepictor

from molvae.config import PrepareConfig
from molvae.errors import DataError
from molvae.files import read_table
from molvae.prepare import prepare, preview

CASES = Path(__file__).parents[2] / "cases"
CARRIER = CASES / "carrier.csv"


@pytest.fixture
def run(tmp_path):
    """Return a function that prepares files, and returns molecules by their names, the rejects and the summary."""

    def run(*paths, **settings):
        config = PrepareConfig(max_rejected=1.0, **settings)
        summary = prepare(list(paths), tmp_path / "out", config, 1)
        rejected = pd.read_csv(tmp_path / "out" / "rejected.csv", keep_default_na=False)
        return read_table(tmp_path / "out" / "molecules.parquet").set_index("id"), rejected, summary

    return run


@pytest.mark.parametrize(
    ("name", "n_kept", "reasons"),
    [
        ("blank_salt.csv", 2, ["not a molecule"] * 4),
        ("blank_salt.tsv", 1, ["not a molecule"] * 3),
        ("several.csv", 1, ["not one molecule"] * 5),
        ("several.smi", 1, ["not one molecule"] * 2),
        ("several_v3000.sdf", 1, ["not one molecule"] * 3),
        ("racemate.csv", 5, []),
        ("racemate_v3000.sdf", 3, []),
        ("loose_ends.sdf", 1, ["no structure"] * 3),
    ],
)
def test_the_preview_says_what_would_become_of_the_rows(name, n_kept, reasons):
    _, counts, *others = preview([CASES / name], PrepareConfig())
    rejects = [line for line in others if not line.startswith("  not used: ")]
    assert f"rows {n_kept} are molecules to keep" in counts
    assert [line.partition(": ")[2].partition(" (")[0] for line in rejects] == reasons
    assert all("(" in line for line in rejects)


def test_a_reject_of_an_sd_file_has_its_name(run):
    _, rejected, _ = run(CARRIER, CASES / "loose_ends.sdf")
    assert [name for name in rejected.id if ".csv" not in name] == ["gap", "open", "endless"]
    assert any("'gap': no structure" in line for line in preview([CASES / "loose_ends.sdf"], PrepareConfig()))


NAMED = {"id_column": "name", "properties": {"pIC50": "-log10 M"}}


def test_a_pure_enantiomer_is_no_duplicate_of_its_racemate(run):
    molecules, rejected, summary = run(CARRIER, CASES / "racemate.csv", **NAMED)
    assert molecules.loc["one hand", "property.pIC50"] == 7.5
    assert molecules.loc["other hand", "property.pIC50"] == 5.5
    assert "@" in molecules.loc["absolute", "smiles"]
    assert "@" not in molecules.loc["racemate", "smiles"]
    assert molecules.loc["racemate", "property.pIC50"] == pytest.approx(6.2)
    assert list(rejected.id) == ["unknown"]
    assert summary.changed["stereo_groups"] == 2


def test_a_racemate_is_enumerated_and_its_value_does_not_replace_a_pure_one(run):
    molecules, _, summary = run(CARRIER, CASES / "racemate.csv", stereo="enumerate", **NAMED)
    both = molecules[molecules.smiles.str.contains("NC(C)=O)c1ccncc1", regex=False)]
    assert sorted(both["property.pIC50"]) == [5.5, 7.5]
    assert list(both["n_values.pIC50"]) == [1, 1]
    assert summary.changed["stereo_groups"] == 4


def test_racemates_can_be_rejected(run):
    _, rejected, summary = run(CARRIER, CASES / "racemate.csv", enhanced_stereo="reject", **NAMED)
    assert list(rejected.id) == ["racemate", "unknown"]
    assert summary.rejected["racemate or unknown enantiomer"] == 2


@pytest.mark.parametrize("stereo", ["keep", "drop"])
def test_tautomers_keep_their_centres_unless_stereochemistry_is_dropped(run, tmp_path, stereo):
    path = tmp_path / "acids.smi"
    path.write_text("CC[C@H](N)C(=O)NC1CC1 L\nCC[C@@H](N)C(=O)NC1CC1 D\nCC[C@H](O)C1CC1 far\n")
    _, rejected, _ = run(CARRIER, path, canonical_tautomer=True, stereo=stereo)
    assert list(rejected.reason) == ([] if stereo == "keep" else ["duplicate"])


@pytest.mark.parametrize("name", ["decimal_commas.csv", "decimal_commas.tsv"])
def test_decimal_commas_are_read(run, name):
    rows = pd.read_csv(CASES / name, sep=None, engine="python", decimal=",")
    molecules, _, summary = run(CASES / name, properties={rows.columns[1]: "x"})
    assert summary.properties[rows.columns[1]].n == 30
    assert np.allclose(molecules[f"property.{rows.columns[1]}"], rows.iloc[:, 1])


def test_a_comma_that_may_group_thousands_is_told_and_not_read(run, caplog):
    with caplog.at_level(logging.INFO, "molvae"):
        _, _, summary = run(CASES / "thousands.csv", properties={"Ki": "nM"})
    assert (summary.properties["Ki"].n, summary.properties["Ki"].not_numbers) == (15, 15)
    assert "prepare: Ki: 15 values; 15 cells are not numbers, such as '1,000': left out" in caplog.text


def test_what_only_python_takes_for_a_number_is_none(run):
    _, _, summary = run(CASES / "not_numbers.csv", properties={"Ki": "nM"})
    assert (summary.properties["Ki"].n, summary.properties["Ki"].not_numbers) == (22, 5)
    assert summary.properties["Ki"].minimum == -0.5
    assert summary.properties["Ki"].not_number_example == "1_000"


@pytest.mark.parametrize(("rule", "merged"), [("mean", 6.0), ("median", 6.0), ("first", 5.0)])
def test_repeats_are_merged_by_the_rule_that_is_set(run, rule, merged):
    rows = pd.read_csv(CASES / "repeats.csv")
    molecules, _, summary = run(CASES / "repeats.csv", properties={"pIC50": "x"}, repeats=rule)
    values = molecules.set_index("smiles")["property.pIC50"]
    by_order = dict(zip(rows.SMILES.drop_duplicates(), values, strict=True))
    assert by_order[rows.SMILES[0]] == pytest.approx(merged)
    assert [by_order[rows.SMILES[n]] for n in (24, 25, 27)] == [7.2, 7.4, 5.5]
    assert np.isnan(by_order[rows.SMILES[26]])
    assert list(molecules["censored.pIC50"].dropna()) == [">9", "<4.5"]
    assert list(molecules["n_values.pIC50"].head(2)) == [3, 1]
    assert molecules["sd.pIC50"].iloc[0] == pytest.approx(1.0)
    assert molecules["sd.pIC50"].isna().sum() == len(molecules) - 1
    statistics = summary.properties["pIC50"]
    assert (statistics.n, statistics.repeated, statistics.censored, statistics.not_numbers) == (27, 1, 2, 1)


def test_repeats_of_one_molecule_drawn_twice_are_merged(run):
    molecules, _, _ = run(CASES / "repeats_smi_names.csv", properties={"pIC50": "x"})
    acid = molecules.set_index("smiles").loc["O=C(O)CCC1CCC1"]
    assert (acid["property.pIC50"], acid["n_values.pIC50"]) == (5.5, 2)


def test_the_values_of_test_molecules_are_their_own(tmp_path):
    rows = pd.read_csv(CARRIER)
    rows.head(12).assign(pIC50=1.0).to_csv(tmp_path / "test.csv", index=False)
    config = PrepareConfig(properties={"pIC50": "x"})
    prepare([CARRIER], tmp_path / "out", config, 1, test_input=tmp_path / "test.csv")
    molecules = read_table(tmp_path / "out" / "molecules.parquet")
    assert set(molecules["property.pIC50"][molecules.split == "test"]) == {1.0}
    assert set(molecules["n_values.pIC50"]) == {1}


@pytest.mark.parametrize("n", [10, 12, 16, 29])
def test_a_few_molecules_are_enough_to_train_on_or_refused(run, tmp_path, n):
    path = tmp_path / "small.smi"
    path.write_text("\n".join(CARRIER.read_text().replace(",", " ").splitlines()[1 : n + 1]) + "\n")
    # Of so few, one held out may have a token of its own.
    with nullcontext() if n >= 16 else suppress(DataError):
        _, _, summary = run(path)
        assert summary.splits["validation"] == 2
        assert summary.splits["test"] == 2


@pytest.mark.parametrize(("held_out", "few"), [("valid", "test"), ("test", "valid")])
def test_one_held_out_molecule_is_refused_by_prepare(tmp_path, held_out, few):
    rows = pd.read_csv(CARRIER).assign(fold=["train"] * 37 + [held_out, held_out, few])
    rows.to_csv(tmp_path / "in.csv", index=False)
    config = PrepareConfig(split="column", split_column="fold")
    said = {
        "valid": "2 validation molecules, which training needs",
        "test": "2 test molecules, which the evaluation needs",
    }
    with pytest.raises(DataError, match=f"at least {said[few]}, found 1"):
        prepare([tmp_path / "in.csv"], tmp_path / "out", config, 1)


def test_a_table_of_a_spreadsheet_in_german_goes_through_whole(run):
    properties = {"pIC50": "-log10 M", "LogD": ""}
    molecules, rejected, summary = run(CASES / "german.csv", id_column="Code", properties=properties)
    assert (summary.read, summary.kept, len(rejected)) == (40, 40, 0)
    assert list(molecules.index) == [f"V-{n:03d}" for n in range(40)]
    assert molecules.loc["V-001", ["property.pIC50", "property.LogD"]].tolist() == [5.35, 1.125]
    assert (summary.properties["pIC50"].n, summary.properties["LogD"].n) == (40, 34)
    assert summary.properties["LogD"].not_numbers == 0


def test_an_sd_file_of_rdkit_in_v3000_goes_through_whole(run, tmp_path):
    rows = pd.read_csv(CARRIER)
    drawn = [*rows.SMILES, "CC[C@H](NC(C)=O)c1ccncc1 |&1:2|", "CC[C@H](NC(C)=O)c1ccncc1", "C/C=C/CC(=O)NC1CC1"]
    with Chem.SDWriter(str(tmp_path / "vendor.sdf")) as writer:
        writer.SetForceV3000(True)
        for number, smiles in enumerate(drawn):
            mol = Chem.MolFromSmiles(smiles)
            rdDepictor.Compute2DCoords(mol)
            mol.SetProp("_Name", f"V{number}")
            mol.SetProp("pIC50", f"{5 + number / 10:.1f}")
            mol.SetProp("Remark", "two\nlines")
            writer.write(mol)
    molecules, rejected, summary = run(tmp_path / "vendor.sdf", properties={"pIC50": "x"})
    assert (summary.read, summary.kept, len(rejected)) == (43, 43, 0)
    assert molecules.loc["V40", "smiles"] == "CCC(NC(C)=O)c1ccncc1"
    assert molecules.loc["V41", "smiles"] == "CC[C@H](NC(C)=O)c1ccncc1"
    assert molecules.loc["V42", "smiles"] == "C/C=C/CC(=O)NC1CC1"
    assert list(molecules["property.pIC50"]) == [round(5 + n / 10, 1) for n in range(43)]


def test_a_tab_separated_table_of_pandas_with_quotes_goes_through_whole(run, tmp_path):
    notes = ['3" tube', "a\ttab", "two\nlines", '"whole"', "plain", '"', "a, comma; more"]
    rows = pd.read_csv(CARRIER).assign(note=[notes[n % len(notes)] for n in range(40)])
    rows[["note", "SMILES", "name", "pIC50"]].to_csv(tmp_path / "vendor.tsv", sep="\t", index=False)
    molecules, rejected, summary = run(tmp_path / "vendor.tsv", **NAMED)
    assert (summary.read, summary.kept, len(rejected)) == (40, 40, 0)
    assert list(molecules.index) == list(rows.name)
    assert list(molecules["property.pIC50"]) == list(rows.pIC50)


def test_every_case_is_used():
    used = "".join(path.read_text() for path in (Path(__file__), CASES.parent / "unit/chem/test_reading_cases.py"))
    assert [path.name for path in CASES.iterdir() if path.name not in used] == []
