from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rdkit import Chem, RDConfig
from rdkit.Chem.MolStandardize import rdMolStandardize

from molvae.chem.molecules import canonical_smiles
from molvae.chem.quiet import quiet
from molvae.chem.reading import read_molecules
from molvae.chem.standardise import STEPS, Steps, standardise

DEMO = [r.smiles for r in read_molecules(Path(__file__).parents[3] / "data" / "demo_test.smi.gz")][:600]
# Old measured compounds that come with RDKit: salts, metals, charges, odd groups.
MESSY = [r.smiles for r in read_molecules(Path(RDConfig.RDDataDir) / "NCI" / "first_5K.smi")][:600]


def rdkit_standard_form(smiles):
    """RDKit's own steps one after another, with none of our short cuts, and sulfoxides written without charges."""
    mol = rdMolStandardize.Cleanup(Chem.MolFromSmiles(smiles))
    mol = rdMolStandardize.LargestFragmentChooser(preferOrganic=True).choose(mol)
    mol = rdMolStandardize.Uncharger().uncharge(mol)
    neutral = canonical_smiles(Chem.MolToSmiles(mol))
    sulfoxide = Chem.MolFromSmarts("[S+;X3;H0][O-]")
    mol = Chem.RWMol(Chem.MolFromSmiles(neutral))
    for sulfur, oxygen in mol.GetSubstructMatches(sulfoxide):
        mol.GetBondBetweenAtoms(sulfur, oxygen).SetBondType(Chem.BondType.DOUBLE)
        mol.GetAtomWithIdx(sulfur).SetFormalCharge(0)
        mol.GetAtomWithIdx(oxygen).SetFormalCharge(0)
    return canonical_smiles(Chem.MolToSmiles(mol))


@pytest.mark.parametrize(
    ("smiles", "expected", "steps"),
    [
        ("OCC", "CCO", ()),
        ("[H]OC([H])([H])C", "CCO", ()),
        # As a file of 3D structures draws an amidine and an imine.
        ("[H]/N=C(/N)c1ccccc1", "N=C(N)c1ccccc1", ("stereo",)),
        ("[H]/N=C(\\C)CC", "CCC(C)=N", ("stereo",)),
        ("CC(=O)[O-].[Na+]", "CC(=O)O", ("largest_fragment", "neutralise")),
        ("CC(=O)O[Na]", "CC(=O)O", ("disconnect_metals", "largest_fragment", "neutralise")),
        ("CCN.Cl", "CCN", ("largest_fragment",)),
        ("[NH3+]CC(=O)[O-]", "NCC(=O)O", ("neutralise",)),
        ("C[N+](C)(C)CCO.[Cl-]", "C[N+](C)(C)CCO", ("largest_fragment",)),
        ("CN(=O)=O", "C[N+](=O)[O-]", ()),
        ("C[S+2]([O-])([O-])C", "CS(C)(=O)=O", ("normalise",)),
        ("C[S+]([O-])c1ccccc1", "CS(=O)c1ccccc1", ("normalise",)),
        ("CS(=O)c1ccccc1", "CS(=O)c1ccccc1", ()),
        ("[2H]C([2H])([2H])O", "CO", ("isotopes",)),
        ("[13CH3][CH2:1]O", "CCO", ("isotopes",)),
        ("C[C@](C)([2H])O", "CC(C)O", ("isotopes",)),
    ],
)
def test_one_drawing_becomes_the_standard_one(smiles, expected, steps):
    form = standardise(smiles)
    assert (form.smiles, form.steps) == (expected, steps)


def test_a_charged_sulfoxide_keeps_its_handedness():
    charged, neutral = standardise("C[S@@+]([O-])c1ccccc1"), standardise("C[S@@](=O)c1ccccc1")
    assert charged.smiles == neutral.smiles
    assert charged.smiles != standardise("C[S@](=O)c1ccccc1").smiles


def test_stereochemistry_can_be_dropped():
    form = standardise("C[C@H](N)/C=C/Cl", Steps(stereo=False))
    assert (form.smiles, form.steps) == ("CC(N)C=CCl", ("stereo",))


def test_steps_can_be_left_out():
    as_it_is = Steps(*[False] * 6)
    for smiles in ["CC(=O)[O-].[Na+]", "CC(=O)O[Na]", "[2H]CO", "C[S+]([O-])C", "C[NH3+]"]:
        form = standardise(smiles, as_it_is)
        assert (form.smiles, form.steps) == (canonical_smiles(smiles), ())


def test_the_canonical_tautomer_is_taken_on_demand():
    forms = [standardise(smiles, Steps(tautomer=True)) for smiles in ["CC(O)=CC", "CCC(C)=O"]]
    assert [form.smiles for form in forms] == ["CCC(C)=O", "CCC(C)=O"]
    assert [form.steps for form in forms] == [("tautomer",), ()]
    assert standardise("CC(O)=CC").smiles == "CC=C(C)O"


@pytest.mark.parametrize("smiles", ["", "CC(", "CN(=C)=C"])
def test_what_is_no_molecule_has_no_standard_form(smiles):
    with quiet():
        assert standardise(smiles) is None


@pytest.mark.parametrize("smiles", ["CC[Hg]CC", "[NH3][Pt](Cl)Cl", "CN1C=CN(C)[Pd]1Cl"])
def test_a_metal_complex_has_no_standard_form(smiles):
    assert standardise(smiles) is None


@pytest.mark.parametrize("salt", ["CC(=O)O[K]", "CC(=O)O[Ag]", "CC(=O)[O-].CC(=O)[O-].[Zn+2]"])
def test_a_metal_salt_gives_its_acid(salt):
    assert standardise(salt).smiles == "CC(=O)O"


@pytest.mark.parametrize("molecules", [DEMO, MESSY], ids=["demo", "messy"])
def test_the_short_cut_gives_what_all_of_rdkits_steps_give(molecules):
    with quiet():
        for smiles in molecules:
            form = standardise(smiles)
            if form is not None:
                assert form.smiles == rdkit_standard_form(smiles), smiles


@given(st.sampled_from(DEMO + MESSY), st.builds(Steps, *[st.booleans()] * 7))
def test_the_standard_form_is_its_own(smiles, steps):
    with quiet():
        form = standardise(smiles, steps)
        if form is None:
            return
        again = standardise(form.smiles, steps)
    assert (again.smiles, again.steps) == (form.smiles, ())
    assert Chem.MolToSmiles(form.mol) == form.smiles
    assert set(form.steps) <= set(STEPS)


@given(st.sampled_from(DEMO), st.randoms(use_true_random=False))
def test_the_order_of_atoms_does_not_matter(smiles, random):
    mol = Chem.MolFromSmiles(smiles)
    order = list(range(mol.GetNumAtoms()))
    random.shuffle(order)
    shuffled = Chem.MolToSmiles(Chem.RenumberAtoms(mol, order), canonical=False)
    assert standardise(shuffled).smiles == standardise(smiles).smiles


def test_the_canonical_tautomer_keeps_the_centres_it_can():
    alanines = [standardise(f"C[{tag}H](N)C(=O)NC1CC1", Steps(tautomer=True)) for tag in ("C@", "C@@")]
    assert alanines[0].smiles != alanines[1].smiles
    assert standardise("CC(=O)/C=C/C", Steps(tautomer=True)).smiles == "C/C=C/C(C)=O"
    lost = standardise("C/C(O)=C/C(=O)CC", Steps(tautomer=True))
    assert lost.steps == ("tautomer", "stereo")


@pytest.mark.parametrize("smiles", ["[2H]OC(=O)CCC", "[2H]OC(C)=CCC", "[2H]Oc1ccccn1"])
def test_a_tautomer_that_is_no_molecule_is_not_taken(smiles):
    form = standardise(smiles, Steps(tautomer=True, isotopes=False))
    assert form is not None
    assert "[2H]O" in form.smiles


@pytest.mark.parametrize("smiles", ["CC[C@H](N)O |&1:2|", "CC[C@H](N)O |o1:2|"])
def test_mixed_centres_are_counted_by_themselves(smiles):
    form = standardise(smiles)
    assert form.smiles == "CCC(N)O"
    assert form.steps == ("stereo_groups",)
