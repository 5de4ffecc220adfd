import pytest

from molvae.chem.molecules import parse
from molvae.chem.scaffolds import murcko_scaffold


@pytest.mark.parametrize(
    ("smiles", "scaffold"),
    [
        ("CCCO", ""),
        ("Cc1ccccc1", "c1ccccc1"),
        ("Cc1ccc(CCC2CCN(C)C2)cc1", "c1ccc(CCC2CCNC2)cc1"),
        ("CN1CCCC1=O", "O=C1CCCN1"),
    ],
)
def test_scaffold_is_rings_and_the_chains_between_them(smiles, scaffold):
    assert murcko_scaffold(parse(smiles)) == scaffold


def test_mirror_images_share_a_scaffold():
    left, right = (murcko_scaffold(parse(s)) for s in ("C[C@H]1CC[C@H](c2ccccc2)O1", "C[C@@H]1CC[C@@H](c2ccccc2)O1"))
    assert left == right
    assert "@" not in left
