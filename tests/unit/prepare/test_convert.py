from pathlib import Path

import pytest
from rdkit import RDConfig

from molvae.chem.quiet import quiet
from molvae.chem.reading import read_molecules
from molvae.chem.selfies_codec import selfies_to_smiles
from molvae.config import PrepareConfig
from molvae.prepare.convert import Accepted, Reason, Refused, convert, convert_all

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
        assert convert(smiles, PrepareConfig(max_selfies_length=50)) == Refused(reason, detail)


def test_selfies_that_mean_another_molecule_are_refused_with_both(monkeypatch):
    monkeypatch.setattr("molvae.prepare.convert.selfies_to_smiles", lambda _: "CCN")
    assert convert("CCO", DEFAULT) == Refused(Reason.ROUND_TRIP, "CCO became CCN")


def test_results_are_in_order_and_what_is_accepted_survives_the_round_trip():
    records = list(read_molecules(Path(RDConfig.RDDataDir) / "NCI" / "first_5K.smi"))[:300]
    outcomes = convert_all(records, DEFAULT)
    assert len(outcomes) == len(records)
    accepted = [outcome for outcome in outcomes if isinstance(outcome, Accepted)]
    assert len(accepted) > 200
    for each in accepted:
        assert selfies_to_smiles(each.selfies) == each.smiles
        assert convert(each.smiles, DEFAULT).smiles == each.smiles
