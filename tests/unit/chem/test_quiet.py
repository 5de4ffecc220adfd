from rdkit import Chem

from molvae.chem.quiet import quiet


def test_messages_are_silenced_inside_and_return_after(capfd):
    with quiet():
        Chem.MolFromSmiles("not a molecule")
    assert capfd.readouterr().err == ""
    Chem.MolFromSmiles("not a molecule")
    assert "SMILES Parse Error" in capfd.readouterr().err


def test_blocks_nest(capfd):
    with quiet():
        with quiet():
            pass
        Chem.MolFromSmiles("not a molecule")
    assert capfd.readouterr().err == ""
