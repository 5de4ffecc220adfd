from xml.etree import ElementTree

import pytest

from molvae.report.drawings import HEIGHT, WIDTH, draw

ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"


def test_a_drawing_is_one_small_svg_element_titled_by_the_smiles():
    svg = draw(ASPIRIN)
    root = ElementTree.fromstring(svg)
    assert root.tag.endswith("svg")
    assert root.attrib["viewBox"] == f"0 0 {WIDTH} {HEIGHT}"
    assert root[0].text == ASPIRIN
    assert len(svg) < 6000


def test_the_background_is_transparent():
    assert "#FFFFFF" not in draw(ASPIRIN)
    assert "rect" not in draw(ASPIRIN)


@pytest.mark.parametrize("smiles", ["", "nan", "c1ccccc", "<script>"])
def test_what_is_no_molecule_has_no_drawing(smiles):
    assert draw(smiles) == ""


def test_markup_in_a_smiles_is_escaped():
    # RDKit reads what follows a blank as the molecule's name.
    assert "<b>" not in draw("CC <b>name</b>")


def test_a_related_molecule_is_turned_like_its_template():
    core = "O=C(NCc1ccccc1)c1ccncc1"
    alone, aligned = draw(core + "Cl"), draw(core + "Cl", "O=C(NCc1ccccc1)c1ccncc1F")
    assert alone
    assert aligned


@pytest.mark.parametrize("template", ["CCC", "c1ccc2ccccc2c1", "no molecule"])
def test_an_unrelated_template_changes_nothing(template):
    assert draw(ASPIRIN, template) == draw(ASPIRIN)
