from molvae.chem.identifiers import molecule_id


def test_a_molecule_has_the_same_name_always_and_another_one_another():
    assert molecule_id("CCO") == "MV-VMO6QGPN5E"
    assert molecule_id("CCN") != molecule_id("CCO")
