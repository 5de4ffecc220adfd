import math

import pandas as pd
import pytest

from molvae.chem.descriptors import compute_properties
from molvae.evaluate.reconstruction import reconstruction_by_size, value_discrepancies


def table(pairs: list[tuple[str, str]]) -> pd.DataFrame:
    exact = [before == after for before, after in pairs]
    return pd.DataFrame(pairs, columns=["smiles", "decoded"]).assign(exact=exact)


def test_the_value_discrepancy_is_the_mean_change_over_the_range():
    given = ["CCO", "CCCCCC", "c1ccccc1"]
    logp = compute_properties(given, ["logp"])["logp"]
    metrics = value_discrepancies(table([("CCO", "CCO"), ("CCCCCC", "CCO"), ("c1ccccc1", "c1ccccc1")]), 1)
    expected = abs(logp[1] - logp[0]) / 3 / (logp.max() - logp.min())
    assert metrics["value_discrepancy_logp"].value == pytest.approx(expected)
    assert metrics["value_discrepancy_logp"].n == 3


def test_what_decodes_to_no_molecule_does_not_count():
    metrics = value_discrepancies(table([("CCO", "CCO"), ("CCCCCC", ""), ("c1ccccc1", "c1ccccc1")]), 1)
    assert metrics["value_discrepancy_qed"].value == 0.0
    assert metrics["value_discrepancy_qed"].n == 2


def test_without_a_range_there_is_no_discrepancy():
    assert math.isnan(value_discrepancies(table([("CCO", "CCO")]), 1)["value_discrepancy_logp"].value)


def test_large_molecules_have_a_bin_of_their_own():
    rows = reconstruction_by_size(table([("CC", "CC")] * 30 + [("CCCCCC", "CC")] * 30))
    assert [(row["heavy_atoms_from"], row["heavy_atoms_to"], row["exact"], row["n"]) for row in rows] == [
        (2, 2, 1.0, 30),
        (3, 6, 0.0, 30),
    ]
    # Wilson's interval for none of 30.
    assert rows[1]["high"] == pytest.approx(0.1135, abs=1e-3)
