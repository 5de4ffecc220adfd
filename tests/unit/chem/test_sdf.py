import pandas as pd
from rdkit import Chem

from molvae.chem.reading import Columns, read_molecules, read_records, with_structure
from molvae.chem.sdf import write_sdf


def test_molecules_are_written_with_names_and_fields(tmp_path):
    fields = pd.DataFrame({"qed": [0.5, None], "origin": ["start", ""], "call": [3, 4]})
    write_sdf(tmp_path / "out.sdf", ["CCO", "c1ccccc1"], ["a", "b"], fields)
    with Chem.SDMolSupplier(str(tmp_path / "out.sdf")) as supplier:
        first, second = supplier
    assert Chem.MolToSmiles(first) == "CCO"
    assert first.GetPropsAsDict() == {"qed": 0.5, "origin": "start", "call": 3}
    assert (second.GetProp("_Name"), second.GetPropsAsDict()) == ("b", {"call": 4})


def test_a_field_has_all_digits_and_all_lines(tmp_path):
    fields = pd.DataFrame(
        {"registry": [12345678.0, None], "exact": [1234.56789, 1e300], "names": ["foo\nbar\nbaz", ""]}
    )
    write_sdf(tmp_path / "out.sdf", ["CCO", "CCN"], ["a", "b"], fields)
    text = (tmp_path / "out.sdf").read_text()
    assert [value in text for value in ("\n12345678\n", "\n1234.56789\n", "\n1e+300\n")] == [True] * 3
    # As other programs write it, which do not escape the ends of lines.
    (tmp_path / "out.sdf").write_text(text.replace(r"foo\nbar\nbaz", "foo\nbar\nbaz"))
    first, second = read_records(tmp_path / "out.sdf", Columns(extra=("names", "registry", "exact")))
    assert first.extra == ("foo\nbar\nbaz", "12345678", "1234.56789")
    assert second.extra == ("", "", "1e+300")


def test_what_cannot_be_drawn_is_left_out_and_counted(tmp_path, caplog):
    strings = ["CCO", "c1cccc1", "C" * 600, "CCN"]
    with caplog.at_level("WARNING", logger="molvae"):
        write_sdf(tmp_path / "out.sdf", strings, list("abcd"), pd.DataFrame({"n": range(4)}))
    with Chem.SDMolSupplier(str(tmp_path / "out.sdf")) as supplier:
        assert [mol.GetProp("_Name") for mol in supplier] == ["a", "d"]
    assert "2 molecules are left out" in caplog.text


BLOCK = """INJECTED
     RDKit          2D

  2  1  0  0  0  0  0  0  0  0999 V2000
    0.0000    0.0000    0.0000 C   0  0  0  0  0  0  0  0  0  0  0  0
    1.2990    0.7500    0.0000 N   0  0  0  0  0  0  0  0  0  0  0  0
  1  2  1  0
M  END
"""


def test_a_name_or_field_that_looks_like_the_end_of_a_record_is_none(tmp_path):
    write_sdf(
        tmp_path / "out.sdf", ["CCO", "CCN"], ["$$$$", "b"], pd.DataFrame({"x": ["$$$$", "1"], "y": ["2", "$$$$ 5"]})
    )
    records = [with_structure(record).smiles for record in read_molecules(tmp_path / "out.sdf")]
    assert records == ["CCO", "CCN"]
    with Chem.SDMolSupplier(str(tmp_path / "out.sdf")) as supplier:
        assert [mol.GetProp("y").strip() for mol in supplier] == ["2", "$$$$ 5"]


def test_a_name_or_field_of_several_lines_brings_no_molecule_of_its_own(tmp_path):
    hostile = f"CHEMBL25\n$$$$\n{BLOCK.replace(chr(10) * 2, chr(10) + ' ' + chr(10))}$$$$\n"
    fields = pd.DataFrame(
        {"id": [hostile, "b"], f"x\n\n$$$$\n{BLOCK}": [hostile, "y"], "crlf": ["a\r\n$$$$\r\n", "\u2028"]}
    )
    write_sdf(tmp_path / "out.sdf", ["CCO", "c1ccccc1"], [hostile, "b"], fields)
    records = [with_structure(record).smiles for record in read_molecules(tmp_path / "out.sdf")]
    assert records == ["CCO", "c1ccccc1"]
    with Chem.SDMolSupplier(str(tmp_path / "out.sdf")) as supplier:
        assert [Chem.MolToSmiles(mol) for mol in supplier] == ["CCO", "c1ccccc1"]
