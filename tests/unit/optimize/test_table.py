"""The table of an objective's view of known molecules."""

import pandas as pd

from molvae.optimize.objective import load_objective
from molvae.optimize.table import score_table


def test_a_row_a_molecule_as_given_in_order():
    table = score_table(load_objective("ranolazine_mpo"), ["OCC", "bad", "CF", "CCO"])
    assert table.columns.tolist() == ["smiles", "score", "feasible", "like_ranolazine", "logp", "n_F", "tpsa"]
    assert table["smiles"].tolist() == ["OCC", "bad", "CF", "CCO"]
    assert table["score"].isna().tolist() == [False, True, False, False]
    assert table["feasible"].tolist() == [True, False, True, True]
    assert table["n_F"].tolist()[2] == 1.0
    assert pd.Series(table.loc[0, "score":]).equals(table.loc[3, "score":])


def test_no_molecules_no_rows():
    assert score_table(load_objective("qed"), []).columns.tolist() == ["smiles", "score", "feasible", "qed"]
