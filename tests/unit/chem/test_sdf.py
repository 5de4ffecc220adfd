import pandas as pd
from rdkit import Chem

from molvae.chem.sdf import write_sdf


def test_molecules_are_written_with_names_and_fields(tmp_path):
    fields = pd.DataFrame({"qed": [0.5, None], "origin": ["start", ""], "call": [3, 4]})
    write_sdf(tmp_path / "out.sdf", ["CCO", "c1ccccc1"], ["a", "b"], fields)
    with Chem.SDMolSupplier(str(tmp_path / "out.sdf")) as supplier:
        first, second = supplier
    assert Chem.MolToSmiles(first) == "CCO"
    assert first.GetPropsAsDict() == {"qed": 0.5, "origin": "start", "call": 3}
    assert (second.GetProp("_Name"), second.GetPropsAsDict()) == ("b", {"call": 4})


def test_what_cannot_be_drawn_is_left_out_and_counted(tmp_path, caplog):
    strings = ["CCO", "c1cccc1", "C" * 600, "CCN"]
    with caplog.at_level("WARNING", logger="molvae"):
        write_sdf(tmp_path / "out.sdf", strings, list("abcd"), pd.DataFrame({"n": range(4)}))
    with Chem.SDMolSupplier(str(tmp_path / "out.sdf")) as supplier:
        assert [mol.GetProp("_Name") for mol in supplier] == ["a", "d"]
    assert "2 molecules are left out" in caplog.text
