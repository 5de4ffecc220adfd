import time
from pathlib import Path

import pytest
from rdkit import RDConfig

from molvae.chem.quiet import quiet
from molvae.chem.reading import Record, read_molecules
from molvae.chem.selfies_codec import selfies_to_smiles
from molvae.chem.standardise import standardise
from molvae.config import PrepareConfig
from molvae.prepare.convert import Accepted, Reason, Rejected, convert, convert_all

DEFAULT = PrepareConfig()


def test_a_molecule_is_accepted_in_canonical_form():
    assert convert("OCC", DEFAULT) == Accepted("CCO", "[C][C][O]", 3, "", ())


def test_the_scaffold_comes_with_it_where_the_split_needs_it():
    assert convert("Cc1ccccc1", PrepareConfig(split="scaffold")).scaffold == "c1ccccc1"


def test_stereochemistry_is_dropped_on_demand():
    assert convert("C[C@H](N)C(=O)O", PrepareConfig(stereo="drop")).smiles == "CC(N)C(=O)O"


@pytest.mark.parametrize(
    ("smiles", "reason", "detail"),
    [
        ("", Reason.NO_STRUCTURE, ""),
        ("CC(", Reason.NOT_A_MOLECULE, "not SMILES"),
        ("CC[Pt]CC", Reason.NO_STANDARD_FORM, "complex of Pt"),
        ("CC[As](C)C", Reason.ELEMENT, "As"),
        ("CCCC*", Reason.ELEMENT, "*"),
        ("CC[CH]CC", Reason.RADICAL, "CC[CH]CC"),
        ("[Na+].[Cl-]", Reason.TOO_SMALL, "heavy atoms: 1"),
        ("CO", Reason.TOO_SMALL, "heavy atoms: 2"),
        ("C" * 61, Reason.TOO_LARGE, "heavy atoms: 61"),
        ("CCI(=O)=O", Reason.NO_SELFIES, "CCI(=O)=O"),
        ("C1CC1" * 11, Reason.TOO_LONG, "tokens: 55"),
    ],
)
def test_what_is_refused_says_why(smiles, reason, detail):
    with quiet():
        assert convert(smiles, PrepareConfig(max_selfies_length=50)) == Rejected(reason, detail)


@pytest.mark.parametrize(
    ("smiles", "settings", "reason", "detail"),
    [
        ("CCO", {"min_mol_weight": 50}, Reason.WEIGHT, "46.1 Da"),
        ("CCO", {"max_mol_weight": 46}, Reason.WEIGHT, "46.1 Da"),
        ("C1CCCCCCC1", {"max_ring_size": 7}, Reason.RING_SIZE, "ring of 8 atoms"),
        ("C[N+](C)(C)C", {"max_charge": 0}, Reason.CHARGE, "+1"),
        ("[O-]C(=O)CCCC(=O)[O-]", {"max_charge": 1, "neutralise": False}, Reason.CHARGE, "-2"),
        ("CC(=O)O[Na]", {"disconnect_metals": False}, Reason.ELEMENT, "Na"),
        ("CS(C)(=O)=O", {"selfies_constraints": "octet_rule"}, Reason.NO_SELFIES, "CS(C)(=O)=O"),
        ("C" * 10_001, {}, Reason.TOO_LARGE, "characters: 10001"),
        ("c1ccccc1N=Nc1ccccc1", {"filters": ["PAINS"]}, Reason.FILTER, "PAINS: azo_A(324)"),
        ("CC(=O)Cl", {"filters": ["NIH"]}, Reason.FILTER, "NIH: carbonyl_halide"),
        (
            "C1CCCCCCC1",
            {"filters": ["MOSES"]},
            Reason.FILTER,
            "MOSES: an element, a charge or a ring that the set exclu",
        ),
    ],
)
def test_what_a_setting_refuses_says_why(smiles, settings, reason, detail):
    record = Record("a.smi", 1, "x", smiles)
    [outcome] = convert_all([record], PrepareConfig(**settings))
    assert outcome.reason is reason
    assert outcome.detail.startswith(detail)


@pytest.mark.parametrize(
    ("smiles", "settings", "expected"),
    [
        ("CCO", {"min_mol_weight": 46, "max_mol_weight": 47, "max_ring_size": 6, "max_charge": 0}, "CCO"),
        ("CCN", {"filters": ["PAINS", "BRENK", "NIH", "MOSES"]}, "CCN"),
        ("CC(O)=CC", {"canonical_tautomer": True}, "CCC(C)=O"),
        ("[13CH3]CO", {"drop_isotopes": False}, "[13CH3]CO"),
        ("CCI(=O)=O", {"selfies_constraints": "hypervalent"}, "CCI(=O)=O"),
    ],
)
def test_what_the_settings_allow_is_accepted(smiles, settings, expected):
    [outcome] = convert_all([Record("a.smi", 1, "x", smiles)], PrepareConfig(**settings))
    assert outcome.smiles == expected


def test_a_molecule_that_takes_too_long_is_refused_alone(monkeypatch):
    def slow(smiles, steps):
        if smiles == "CCN":
            time.sleep(60)
        return standardise(smiles, steps)

    monkeypatch.setattr("molvae.prepare.convert.standardise", slow)
    records = [Record("a.smi", n, "x", smiles) for n, smiles in enumerate(["CCO", "CCN", "CCC"])]
    first, second, third = convert_all(records, PrepareConfig(time_limit_s=0.3))
    assert (first.smiles, third.smiles) == ("CCO", "CCC")
    assert second == Rejected(Reason.TOO_SLOW, "more than 0.3 s")


def test_a_row_without_structure_says_what_the_reader_found():
    [outcome] = convert_all([Record("a.csv", 2, "x", "", "3 cells where the header has 2: a,b,c")], DEFAULT)
    assert outcome == Rejected(Reason.NO_STRUCTURE, "3 cells where the header has 2: a,b,c")


def test_selfies_that_mean_another_molecule_are_refused_with_both(monkeypatch):
    monkeypatch.setattr("molvae.prepare.convert.selfies_to_smiles", lambda _: "CCN")
    assert convert("CCO", DEFAULT) == Rejected(Reason.ROUND_TRIP, "CCO became CCN ([C][C][O])")


def test_results_are_in_order_and_what_is_accepted_survives_the_round_trip():
    records = list(read_molecules(Path(RDConfig.RDDataDir) / "NCI" / "first_5K.smi"))[:300]
    outcomes = convert_all(records, DEFAULT)
    assert len(outcomes) == len(records)
    accepted = [outcome for outcome in outcomes if isinstance(outcome, Accepted)]
    assert len(accepted) > 200
    for molecule in accepted:
        assert selfies_to_smiles(molecule.selfies) == molecule.smiles
        assert convert(molecule.smiles, DEFAULT).smiles == molecule.smiles
