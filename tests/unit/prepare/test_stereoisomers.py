import pandas as pd
from rdkit import Chem

from molvae.chem.reading import Record
from molvae.config import PrepareConfig
from molvae.prepare.convert import convert_all
from molvae.prepare.stereoisomers import enumerate_stereoisomers


def isomers(smiles, **settings):
    """Return id, SMILES (None where refused), steps and number, of each row that one becomes."""
    config = PrepareConfig(stereo="enumerate", **settings)
    records = [Record("in.smi", 7, "lead", smiles)]
    rows, outcomes, numbers = enumerate_stereoisomers(records, convert_all(records, config), config)
    assert {(row.line, row.source) for row in rows} == {(7, "in.smi")}
    return [
        (row.id, getattr(outcome, "smiles", None), getattr(outcome, "steps", None), number)
        for row, outcome, number in zip(rows, outcomes, numbers, strict=True)
    ]


def test_each_isomer_that_a_drawing_leaves_open_becomes_a_row():
    assert isomers("OC(C)CC") == [
        ("lead#1", "CC[C@@H](C)O", ("stereo",), 1),
        ("lead#2", "CC[C@H](C)O", ("stereo",), 2),
    ]


def test_what_is_drawn_stays():
    rows = isomers("C[C@H](O)C=CCl")
    assert [smiles for _, smiles, _, _ in rows] == ["C[C@H](O)/C=C/Cl", "C[C@H](O)/C=C\\Cl"]


def test_a_molecule_without_open_stereochemistry_keeps_its_name():
    assert isomers("CCO") == [("lead", "CCO", (), 0)]
    assert isomers("C[C@H](N)C(=O)O") == [("lead", "C[C@H](N)C(=O)O", (), 0)]


def test_a_meso_form_counts_once():
    assert len(isomers("OC(C)C(C)O")) == 3


def test_of_too_many_isomers_a_choice_is_taken_that_does_not_depend_on_the_drawing():
    mol = Chem.MolFromSmiles("OC(C)C(N)C(Cl)C(Br)C(F)CC")
    drawings = {Chem.MolToSmiles(mol, rootedAtAtom=atom) for atom in range(mol.GetNumAtoms())}
    sets = {tuple(smiles for _, smiles, _, _ in isomers(drawing, max_stereoisomers=4)) for drawing in drawings}
    assert len(sets) == 1
    assert len(set(*sets)) == 4


def test_refused_rows_stay_refused():
    assert isomers("C1CC") == [("lead", None, None, False)]
    assert pd.DataFrame(isomers("CC(O)CC", min_heavy_atoms=10))[1].tolist() == [None]


def test_a_racemate_becomes_its_enantiomers_and_keeps_what_relates_its_centres():
    racemate = [smiles for _, smiles, _, _ in isomers("C[C@H](O)[C@@H](N)CC |&1:1,3|")]
    assert racemate == ["CC[C@@H](N)[C@@H](C)O", "CC[C@H](N)[C@H](C)O"]
    both = isomers("C[C@H](O)CC[C@@H](N)F |o1:1,a:5|")
    assert len(both) == 2
    assert all("stereo_groups" in steps for _, _, steps, _ in both)
    assert len(isomers("C[C@H](O)CCC(N)F |&1:1|")) == 4
    assert len(isomers("C[C@H](O)CCC(N)F |&1:1|", max_stereoisomers=3)) == 3
