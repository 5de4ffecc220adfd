"""What every collection of structural alerts must do."""

import typing

import pytest
from rdkit import Chem

from molvae.chem.alerts import COLLECTIONS, MOSES_COLLECTIONS, structural_alerts
from molvae.config import PrepareConfig

REACTIVE = [
    "O=C1C=CC(=O)C=C1",  # a quinone
    "CCC(=O)Cl",  # an acid chloride
    "O=[N+]([O-])c1ccc(N=Nc2ccccc2)cc1",  # an azo dye with a nitro group
    "CCSSCC",  # a disulfide
    "O=C1CSC(=Cc2ccccc2)N1",
    "CN(C)c1ccc(C=C2SC(=S)NC2=O)cc1",  # a rhodanine
]


@pytest.fixture(params=COLLECTIONS)
def collection(request):
    return request.param


def molecules(smiles):
    return [Chem.MolFromSmiles(text) for text in smiles]


def test_it_hits_some_reactive_molecule_and_names_itself(collection):
    hits = [name for names in structural_alerts(molecules(REACTIVE), [collection]) for name in names]
    assert hits
    assert all(name.startswith(f"{collection}: ") and len(name) > len(collection) + 2 for name in hits)


def test_it_passes_simple_molecules(collection):
    assert structural_alerts(molecules(["CCO", "c1ccccc1", "CC(=O)N1CCCC1"]), [collection]) == [(), (), ()]


def test_it_gives_the_same_hits_alone_with_others_and_in_any_order(collection):
    mols = molecules(REACTIVE)
    alone = structural_alerts(mols, [collection])
    assert alone == structural_alerts(mols, [collection])
    assert alone[::-1] == structural_alerts(mols[::-1], [collection])
    together = structural_alerts(mols)
    assert alone == [tuple(name for name in names if name.startswith(f"{collection}: ")) for names in together]


def test_no_molecules_have_no_alerts(collection):
    assert structural_alerts([], [collection]) == []


def test_it_is_a_filter_of_the_settings(collection):
    assert PrepareConfig(filters=[collection]).filters == [collection]


def test_the_settings_know_no_other_collection():
    (names,) = typing.get_args(PrepareConfig.model_fields["filters"].annotation)
    assert set(typing.get_args(names)) == {*COLLECTIONS, "MOSES"}
    assert set(MOSES_COLLECTIONS) <= set(COLLECTIONS)
