import pytest
from rdkit import Chem

from molvae.chem.fragments import brics_fragments


@pytest.mark.parametrize(
    ("smiles", "expected"),
    [
        ("c1ccccc1", ["c1ccccc1"]),
        ("CC(=O)Nc1ccccc1", ["[1*]C(C)=O", "[16*]c1ccccc1", "[5*]N[5*]"]),
        ("CCO.CCO", ["CCO", "CCO"]),
    ],
)
def test_a_molecule_falls_into_its_fragments(smiles, expected):
    assert sorted(brics_fragments(Chem.MolFromSmiles(smiles))) == sorted(expected)


def test_the_way_a_molecule_is_written_does_not_matter():
    a, b = (Chem.MolFromSmiles(molecule) for molecule in ("CC(=O)Nc1ccccc1", "c1ccc(NC(C)=O)cc1"))
    assert brics_fragments(a) == brics_fragments(b)
