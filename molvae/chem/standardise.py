"""Bring the many ways to draw a molecule to one.

A molecule is cleaned as RDKit's MolStandardize does it (explicit hydrogens removed, bonds to metals cut, functional
groups and charges normalised), its largest fragment kept, its charges balanced with protons, isotopes and atom numbers
dropped, and on demand its canonical tautomer taken. Each step can be left out. One thing differs from RDKit's rules: a
sulfoxide is written S(=O), not [S+][O-], as chemists draw it and as the public sets that models are compared on (MOSES,
ZINC) have it. And a metal complex has no standard form: bonds to a metal are cut in salts, but a ligand without its
metal is another compound.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from rdkit import Chem
from rdkit.Chem import rdqueries
from rdkit.Chem.MolStandardize import rdMolStandardize

from molvae.chem.molecules import flatten_stereo_groups, parse, parse_drawing

if TYPE_CHECKING:
    from molvae.config import StandardiseConfig

STEREO, STEREO_GROUPS = "stereo", "stereo_groups"
STEPS = (
    "isotopes",
    "disconnect_metals",
    "normalise",
    "largest_fragment",
    "neutralise",
    "tautomer",
    STEREO,
    STEREO_GROUPS,
)
"""What can change a molecule: the steps, in the order in which they are done, `stereo` for all that changed its
stereochemistry, and `stereo_groups` for centres left open because it is a racemate or an unknown enantiomer."""

# A canonical SMILES of these parts alone has one fragment, no charges, radicals, isotopes, metals, nor any group that
# RDKit's rules rewrite (those have charges, phosphorus or a metal once RDKit has read them, except for sulfoxides,
# which stay as they are here): nothing is left to do, and the costly part of the work is spared.
_PLAIN = re.compile(r"(?:[CNOSFIcnos()=#/\\%0-9-]|Cl|Br|\[nH\]|\[C@@?H?\]|\[S@@?\])+")

_SALT_FORMERS = frozenset(["Li", "Na", "K", "Rb", "Cs", "Fr", "Be", "Mg", "Ca", "Sr", "Ba", "Ra"])

# A pass may make another one change something (a fragment that is kept, then charged differently); two are enough
# for almost every molecule, and one that never comes to rest has no standard form.
_MAX_PASSES = 5


@dataclass(frozen=True, slots=True)
class Standardised:
    """A molecule in standard form.

    Attributes:
        smiles: Its canonical SMILES.
        mol: The molecule.
        steps: Which of `STEPS` changed it, in that order.
    """

    smiles: str
    mol: Chem.Mol
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Steps:
    """Which steps to do; each has its name in `STEPS`.

    Attributes:
        isotopes: Drop isotopes and atom numbers.
        disconnect_metals: Cut the bonds to metals in salts. Complexes have no standard form either way.
        normalise: Write functional groups in one way, and put charges where the stronger acid has them.
        largest_fragment: Keep the largest fragment only, an organic one if there is any.
        neutralise: Remove charges that protons can balance.
        tautomer: Take the canonical tautomer, with its stereochemistry where the same atoms still have some.
        stereo: Keep stereochemistry.
    """

    isotopes: bool = True
    disconnect_metals: bool = True
    normalise: bool = True
    largest_fragment: bool = True
    neutralise: bool = True
    tautomer: bool = False
    stereo: bool = True

    @classmethod
    def of(cls, config: "StandardiseConfig") -> "Steps":
        """Return the steps that the settings ask for."""
        return cls(
            isotopes=config.drop_isotopes,
            disconnect_metals=config.disconnect_metals,
            normalise=config.normalise,
            largest_fragment=config.largest_fragment,
            neutralise=config.neutralise,
            tautomer=config.canonical_tautomer,
            stereo=config.stereo != "drop",
        )


USUAL_STEPS = Steps()


def is_plain(smiles: str) -> bool:
    """Say whether a SMILES of a molecule has nothing that the usual steps change, so that it is a standard form."""
    return _PLAIN.fullmatch(smiles) is not None


def standardise(smiles: str, steps: Steps = USUAL_STEPS) -> Standardised | None:
    """Return the standard form of a molecule; a standard form is its own.

    Args:
        smiles: Any SMILES.
        steps: The steps to do; by default all but the canonical tautomer.

    Returns:
        The standard form, or None if the SMILES is no molecule, or one that has none, such as a metal complex.
    """
    drawing = parse_drawing(smiles)
    if drawing is None:
        return None
    mol, has_groups = flatten_stereo_groups(drawing) if "|" in smiles else (drawing, False)
    form = Chem.MolToSmiles(mol)
    changed = {STEREO_GROUPS} if has_groups else set[str]()
    if "[H]" in form:
        # RDKit keeps the hydrogen of an imine that was drawn with it, because it says on which side it is.
        bare = Chem.RemoveHs(mol, _all_hydrogens())
        if (without := Chem.MolToSmiles(bare)) != form:
            mol, form = bare, without
            changed.add(STEREO)
    if not steps.stereo and _has_stereo(form):
        Chem.RemoveStereochemistry(mol)
        form = Chem.MolToSmiles(mol)
        changed.add(STEREO)
    if not _PLAIN.fullmatch(form) and metals_in_complexes(mol):
        return None
    for _ in range(_MAX_PASSES):
        # Any molecule may have other tautomers, a plain one too.
        if _PLAIN.fullmatch(form) and not steps.tautomer:
            return Standardised(form, mol, tuple(step for step in STEPS if step in changed))
        before = form
        cleaned = _pass(mol, changed, steps)
        # Read again, so that the molecule and its SMILES agree in everything that reading decides.
        again = None if cleaned is None else parse(Chem.MolToSmiles(cleaned))
        if again is None:
            return None
        mol, form = again, Chem.MolToSmiles(again)
        if form == before:
            return Standardised(form, mol, tuple(step for step in STEPS if step in changed))
    return None


def metals_in_complexes(mol: Chem.Mol) -> list[str]:
    """Return the symbols of the metals that are bound as in a complex, sorted.

    Those are the metals outside groups 1 and 2 with a bond to something else than oxygen, which might be a salt's.
    """
    return sorted(
        {
            atom.GetSymbol()
            for atom in mol.GetAtomsMatchingQuery(rdqueries.MAtomQueryAtom())
            if atom.GetSymbol() not in _SALT_FORMERS and any(other.GetSymbol() != "O" for other in atom.GetNeighbors())
        }
    )


def _pass(mol: Chem.Mol, changed: set[str], steps: Steps) -> Chem.Mol | None:
    """Do every step once, and note which of them changed something."""
    form = Chem.MolToSmiles(mol)
    try:
        for name, step in _WORK.items():
            if getattr(steps, name):
                mol = step(mol)
                after = Chem.MolToSmiles(mol)
                if after != form:
                    changed.add(name)
                    if name == "tautomer" and _n_stereo(after) != _n_stereo(form):
                        changed.add(STEREO)
                    form = after
    except (Chem.MolSanitizeException, RuntimeError):
        return None
    return mol


def _without_isotopes(mol: Chem.Mol) -> Chem.Mol:
    if not any(atom.GetIsotope() or atom.GetAtomMapNum() for atom in mol.GetAtoms()):
        return mol
    plain = Chem.Mol(mol)
    for atom in plain.GetAtoms():
        atom.SetIsotope(0)
        atom.SetAtomMapNum(0)
    plain = Chem.RemoveHs(plain)
    # A centre that only an isotope made one is none any more.
    Chem.AssignStereochemistry(plain, cleanIt=True, force=True)
    return plain


def _without_metal_bonds(mol: Chem.Mol) -> Chem.Mol:
    return _metal_disconnector().Disconnect(Chem.RemoveHs(mol))


def _normalised(mol: Chem.Mol) -> Chem.Mol:
    cleaned = _reionizer().reionize(_normalizer().normalize(mol))
    Chem.AssignStereochemistry(cleaned)
    charged = cleaned.GetSubstructMatches(_charged_sulfoxide())
    for sulfur, oxygen in charged:
        # A sulfur with two such oxygens (a sulfinate) has charge to give to one of them.
        if cleaned.GetAtomWithIdx(sulfur).GetFormalCharge() == 1:
            cleaned.GetAtomWithIdx(sulfur).SetFormalCharge(0)
            cleaned.GetAtomWithIdx(oxygen).SetFormalCharge(0)
            cleaned.GetBondBetweenAtoms(sulfur, oxygen).SetBondType(Chem.BondType.DOUBLE)
    if charged:
        Chem.SanitizeMol(cleaned)
    return cleaned


def _largest_fragment(mol: Chem.Mol) -> Chem.Mol:
    return _fragment_chooser().choose(mol)


def _neutralised(mol: Chem.Mol) -> Chem.Mol:
    return _uncharger().uncharge(mol)


def _canonical_tautomer(mol: Chem.Mol) -> Chem.Mol:
    tautomer = _tautomers().Canonicalize(mol)
    # RDKit does not move hydrogens that are atoms of their own, such as deuterium on oxygen: the bonds of their
    # neighbours are then too many.
    return mol if parse(Chem.MolToSmiles(tautomer)) is None else tautomer


# In the order in which the steps are done; stereochemistry goes before all of them.
_WORK: dict[str, Callable[[Chem.Mol], Chem.Mol]] = {
    "isotopes": _without_isotopes,
    "disconnect_metals": _without_metal_bonds,
    "normalise": _normalised,
    "largest_fragment": _largest_fragment,
    "neutralise": _neutralised,
    "tautomer": _canonical_tautomer,
}


@cache
def _all_hydrogens() -> Chem.RemoveHsParameters:
    parameters = Chem.RemoveHsParameters()
    parameters.removeDefiningBondStereo = True  # type: ignore[assignment]
    return parameters


@cache
def _charged_sulfoxide() -> Chem.Mol:
    return Chem.MolFromSmarts("[S+1;X3;H0]-[O-1;X1]")


@cache
def _metal_disconnector() -> rdMolStandardize.MetalDisconnector:
    return rdMolStandardize.MetalDisconnector()


@cache
def _normalizer() -> rdMolStandardize.Normalizer:
    return rdMolStandardize.Normalizer()


@cache
def _reionizer() -> rdMolStandardize.Reionizer:
    return rdMolStandardize.Reionizer()


@cache
def _tautomers() -> rdMolStandardize.TautomerEnumerator:
    tautomers = rdMolStandardize.TautomerEnumerator()
    # By default RDKit flattens every centre next to a carbonyl, and L- and D-amino acids become one.
    tautomers.SetRemoveSp3Stereo(False)
    tautomers.SetRemoveBondStereo(False)
    return tautomers


@cache
def _fragment_chooser() -> rdMolStandardize.LargestFragmentChooser:
    return rdMolStandardize.LargestFragmentChooser(preferOrganic=True)


@cache
def _uncharger() -> rdMolStandardize.Uncharger:
    return rdMolStandardize.Uncharger()


def _n_stereo(smiles: str) -> tuple[int, int]:
    """Return about how many centres and double bonds of a SMILES are drawn with their configuration."""
    return len(re.findall("@+", smiles)), smiles.count("/") + smiles.count("\\")


def _has_stereo(smiles: str) -> bool:
    return any(mark in smiles for mark in "@/\\")
