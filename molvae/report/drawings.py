"""Molecules as small SVG drawings: one style, one bond length, transparent background."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any
from xml.etree import ElementTree

from rdkit import Chem
from rdkit.Chem import rdDepictor, rdFMCS
from rdkit.Chem.Draw import rdMolDraw2D

from molvae.chem.molecules import parse
from molvae.chem.scaffolds import murcko_scaffold

WIDTH, HEIGHT = 240, 160
"""Size of a drawing's view box, in pixels."""

BOND_LENGTH = 21
"""Length of a bond, in pixels; a molecule that would not fit is drawn smaller."""

# Dark enough to be legible in print, and in the tones of the page; elements not listed have the colour of carbon.
INK = (0.11, 0.15, 0.20)
PALETTE = {
    -1: INK,
    0: INK,
    1: INK,
    6: INK,
    7: (0.13, 0.36, 0.78),
    8: (0.78, 0.17, 0.15),
    9: (0.08, 0.53, 0.36),
    15: (0.76, 0.42, 0.05),
    16: (0.66, 0.50, 0.03),
    17: (0.08, 0.53, 0.36),
    35: (0.56, 0.27, 0.13),
    53: (0.45, 0.18, 0.58),
}

CHANGED = (1.0, 0.8, 0.4)
"""Colour behind what two molecules do not have in common."""
# Seconds after which the largest common part found so far is taken.
_MAX_COMPARING_S = 1

_STYLE = ("fill", "stroke", "stroke-width", "stroke-dasharray")
_PATH, _ELLIPSE = (f"{{http://www.w3.org/2000/svg}}{name}" for name in ("path", "ellipse"))
_SHAPES = (_PATH, _ELLIPSE)
_SPACE_BEFORE_COMMAND = re.compile(r"\s*([A-Za-z])\s*")


@lru_cache(maxsize=4096)
def draw(smiles: str, template: str | None = None) -> str:
    """Return a drawing as the text of an `<svg>` element; an empty string if `smiles` is not a valid molecule.

    Args:
        smiles: The molecule.
        template: A molecule to orient the drawing like, if `smiles` contains its Bemis-Murcko scaffold, so that the
            pair can be compared at a glance.
    """
    mol = parse(smiles)
    if mol is None:
        return ""
    rdDepictor.Compute2DCoords(mol, canonOrient=True)
    rdDepictor.StraightenDepiction(mol)
    if template is not None:
        _align(mol, template)
    return _render(mol, smiles)


def draw_change(before: str, after: str) -> tuple[str, str]:
    """Return drawings of two molecules in one orientation, with what they do not have in common marked.

    Args:
        before: A molecule.
        after: Another one.

    Returns:
        A drawing of each, as those of `draw`.
    """
    first, second = parse(before), parse(after)
    if first is None or second is None:
        return draw(before), draw(after)
    mols = [first, second]
    common = rdFMCS.FindMCS(mols, timeout=_MAX_COMPARING_S, ringMatchesRingOnly=True, completeRingsOnly=True)
    # Of a few atoms in common nothing is learnt.
    pattern = common.queryMol if common.numAtoms > 2 else None
    matches = [() if pattern is None else mol.GetSubstructMatch(pattern) for mol in mols]
    rdDepictor.Compute2DCoords(first, canonOrient=True)
    rdDepictor.StraightenDepiction(first)
    rdDepictor.Compute2DCoords(second, canonOrient=True)
    # RDKit crashes where there is nothing to match.
    if pairs := list(zip(*matches, strict=True)):
        rdDepictor.GenerateDepictionMatching2DStructure(second, first, atomMap=pairs)
    drawings = (
        _render(mol, title, [atom for atom in range(mol.GetNumAtoms()) if atom not in match])
        for mol, title, match in zip(mols, (before, after), matches, strict=True)
    )
    return next(drawings), next(drawings)


def _render(mol: Chem.Mol, title: str, marked: Sequence[int] = ()) -> str:
    """Return a drawing of a molecule with coordinates, some of its atoms and the bonds between them marked."""
    drawer = rdMolDraw2D.MolDraw2DSVG(WIDTH, HEIGHT)
    options: Any = drawer.drawOptions()
    options.clearBackground = False
    options.fixedBondLength = BOND_LENGTH
    options.bondLineWidth = 1.4
    options.padding = 0.03
    options.updateAtomPalette(PALETTE)
    options.setHighlightColour(CHANGED)
    bonds = [
        bond.GetIdx() for bond in mol.GetBonds() if bond.GetBeginAtomIdx() in marked and bond.GetEndAtomIdx() in marked
    ]
    rdMolDraw2D.PrepareAndDrawMolecule(drawer, mol, highlightAtoms=list(marked), highlightBonds=bonds)
    drawer.FinishDrawing()
    return _compact(drawer.GetDrawingText(), title)


def _align(mol: Chem.Mol, template: str) -> None:
    """Orient `mol` so that the scaffold it shares with `template` is drawn as in `template`."""
    reference = parse(template)
    if reference is None:
        return
    scaffold = parse(murcko_scaffold(reference))
    if scaffold is None:
        return
    atoms, reference_atoms = mol.GetSubstructMatch(scaffold), reference.GetSubstructMatch(scaffold)
    if not atoms:
        return
    rdDepictor.Compute2DCoords(reference, canonOrient=True)
    rdDepictor.StraightenDepiction(reference)
    pairs = list(zip(reference_atoms, atoms, strict=True))
    rdDepictor.GenerateDepictionMatching2DStructure(mol, reference, atomMap=pairs)


def _compact(svg: str, title: str) -> str:
    """Rewrite RDKit's SVG with one path for each style: the same picture in a quarter of the size."""
    root = ElementTree.fromstring(svg.encode("iso-8859-1"))
    paths: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for element in root.iter():
        if element.tag not in _SHAPES:
            continue
        attributes = dict(part.split(":", 1) for part in element.get("style", "").split(";") if ":" in part)
        attributes.update(element.attrib)
        style = tuple((name, attributes[name].removesuffix("px")) for name in _STYLE if attributes.get(name))
        outline = _SPACE_BEFORE_COMMAND.sub(r"\1", _outline(element).replace(",", " "))
        paths.setdefault(style, []).append(" ".join(outline.split()))
    drawing = ElementTree.Element(
        "svg", {"xmlns": "http://www.w3.org/2000/svg", "viewBox": f"0 0 {WIDTH} {HEIGHT}", "role": "img"}
    )
    drawing.set("class", "molecule")
    ElementTree.SubElement(drawing, "title").text = title
    for style, outlines in paths.items():
        ElementTree.SubElement(drawing, "path", {"d": "".join(outlines), **dict(style)})
    return ElementTree.tostring(drawing, encoding="unicode")


def _outline(element: ElementTree.Element) -> str:
    """Return the commands of a path, or those that draw an ellipse, the mark of an atom."""
    if element.tag == _PATH:
        return element.get("d", "")
    x, y, rx, ry = (float(element.get(name, 0.0)) for name in ("cx", "cy", "rx", "ry"))
    half = f"a{rx:.1f} {ry:.1f} 0 1 0"
    return f"M{x - rx:.1f} {y:.1f}{half} {2 * rx:.1f} 0{half} {-2 * rx:.1f} 0"
