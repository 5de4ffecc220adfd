import numpy as np
import pytest

from molvae.chem.molecules import canonical_smiles, is_ordinary
from molvae.errors import ConfigError, DataError
from molvae.learned import Measurements, read_measurements

ALKANES = ["C" * n for n in range(1, 21)]


def table(path, rows, header="SMILES,pIC50"):
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def numbers(n=20, first=5.0):
    return [f"{smiles},{first + i / 10}" for i, smiles in enumerate(ALKANES[:n])]


def test_repeats_are_averaged_and_counted(tmp_path):
    file = table(tmp_path / "a.csv", [*numbers(), "OCC,4", "CCO,6"])
    measured = read_measurements(file, "pIC50")
    assert (measured.smiles[-1], measured.values[-1], measured.n_repeats[-1]) == ("CCO", 5.0, 2)
    assert measured.smiles[:20] == ALKANES
    assert measured.n_repeats[:20].tolist() == [1] * 20


def test_salts_are_the_same_molecule(tmp_path):
    file = table(tmp_path / "a.csv", [*numbers(), "CCN,4", "CC[NH3+].[Cl-],6"])
    assert read_measurements(file, "pIC50").smiles[-1] == "CCN"


@pytest.mark.parametrize("bound", [">10", "<5", "≥ 9.5", "<0.1"])
def test_a_bound_is_counted_and_not_taken_as_a_value(tmp_path, bound):
    measured = read_measurements(table(tmp_path / "a.csv", [*numbers(), f"CCO,{bound}", f"CC,{bound}"]), "pIC50")
    assert measured.n_censored == 2
    assert [(found.line, found.smiles, found.text) for found in measured.bounds] == [
        (22, "CCO", bound),
        (23, "CC", bound),
    ]
    assert "CCO" not in measured.smiles
    assert measured.values[measured.smiles.index("CC")] == 5.1


def test_decimal_commas_are_read(tmp_path):
    rows = [row.replace(",", ";").replace(".", ",") for row in numbers()]
    measured = read_measurements(table(tmp_path / "a.csv", rows, "SMILES;pIC50"), "pIC50")
    assert np.allclose(measured.values, 5.0 + np.arange(20) / 10)


def test_what_cannot_be_read_is_listed_with_its_line(tmp_path):
    file = table(tmp_path / "a.csv", [*numbers(), 'CCO,"1,234"', "xxx,6", "CCN,", ",7"])
    rejected = read_measurements(file, "pIC50").rejected
    assert [(row.line, row.input) for row in rejected] == [(22, "1,234"), (23, "xxx"), (25, "")]
    assert all(row.reason for row in rejected)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("smiles", ["C" + ".C" * 4000, "C" * 5000])
def test_a_molecule_that_takes_too_long_is_listed_and_costs_no_other(tmp_path, monkeypatch, smiles):
    """The standard form of the first, and the atom pairs of the second."""
    monkeypatch.setattr("molvae.learned.forms.TIME_LIMIT_S", 0.5)
    measured = read_measurements(table(tmp_path / "a.csv", [f"{smiles},4", *numbers(), "C" * 60 + ",7"]), "pIC50")
    assert [(row.line, row.reason) for row in measured.rejected] == [(2, "too slow")]
    assert len(measured) == 21


def test_a_long_molecule_is_read_as_a_short_one_is(tmp_path):
    peptide = "O" + "C(=O)[C@H](C)N" * 60
    assert not is_ordinary(peptide)
    measured = read_measurements(table(tmp_path / "a.csv", [*numbers(), f"{peptide}.Cl,4", "x" * 600 + ",4"]), "pIC50")
    assert measured.smiles[-1] == canonical_smiles(peptide)
    assert [row.reason for row in measured.rejected] == ["not SMILES"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([f"{smiles},high" for smiles in ALKANES], "expected numbers for molecules, found none in 20 rows"),
        ([f"{smiles},>10" for smiles in ALKANES], "20 bounds"),
        ([f"{smiles},5.5" for smiles in ALKANES], "found 5.5 for all 20"),
        (numbers(5), "at least 10 molecules with a value, found 5"),
        ([*numbers(), "CCO,1e200"], "expected values of up to 1e.100, found one of 1e.200; mend it"),
        ([*numbers(), "CCO,-1e101"], "found one of 1e.101"),
        ([f"{smiles},{i}e-200" for i, smiles in enumerate(ALKANES)], "differ by 1e-100 or more, found 1.9e-199"),
        ([f"not{i},{i}" for i in range(20)], "such as 'not0' on line 2"),
    ],
)
def test_a_column_that_teaches_nothing_is_refused_in_one_line(tmp_path, rows, message):
    with pytest.raises(DataError, match=message) as caught:
        read_measurements(table(tmp_path / "a.csv", rows), "pIC50")
    assert "a.csv, column 'pIC50'" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_column_lists_those_that_there_are(tmp_path):
    with pytest.raises(ConfigError, match=r"'pKi'.*'SMILES', 'pIC50'"):
        read_measurements(table(tmp_path / "a.csv", numbers()), "pKi")


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(DataError, match=r"none\.csv"):
        read_measurements(tmp_path / "none.csv", "pIC50")


def test_molecules_that_were_measured_without_a_value_are_known(tmp_path):
    file = table(tmp_path / "a.csv", [*numbers(), "CCO,>10", "CCN,inactive", "CC,<5", "CCS,", "xxx,6"])
    measured = read_measurements(file, "pIC50")
    assert measured.without_value == ("CCO", "CCN")
    assert measured.tested == [*ALKANES, "CCO", "CCN"]


def test_bounds_alone_will_do_where_few_values_do(tmp_path):
    file = table(tmp_path / "a.csv", ["CCO,>10", "CCN,<5"])
    measured = read_measurements(file, "pIC50", may_be_few=True)
    assert (len(measured), measured.tested) == (0, ["CCO", "CCN"])
    with pytest.raises(DataError, match="expected numbers"):
        read_measurements(file, "pIC50")
    with pytest.raises(DataError, match="expected numbers"):
        read_measurements(table(tmp_path / "b.csv", ["CCO,", "CCN,"]), "pIC50", may_be_few=True)


@pytest.mark.parametrize(("scale", "decimals"), [(1.0, 4), (1e3, 4), (1e-8, 11)])
def test_the_decimals_show_differences_between_the_values(scale, decimals):
    values = np.arange(5.0) * scale
    assert Measurements("a", ALKANES[:5], values, np.ones(5, np.int64)).decimals == decimals
