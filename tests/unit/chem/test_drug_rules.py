import numpy as np
import pytest

from molvae.chem.descriptors import PROPERTIES
from molvae.chem.drug_rules import lipinski_violations, passes_veber
from molvae.chem.molecules import parse


@pytest.mark.parametrize(
    ("smiles", "violations"),
    [
        ("CC(=O)Oc1ccccc1C(=O)O", 0),  # aspirin
        ("C" * 16, 1),  # hexadecane: logP
        ("C" * 40, 2),  # tetracontane: weight and logP
        ("OCC(O)C(O)C(O)C(O)CO", 1),  # sorbitol: 6 donors, 6 acceptors
        ("OCC1OC(OC2(CO)OC(CO)C(O)C2O)C(O)C(O)C1O", 2),  # sucrose: 8 donors and 11 acceptors at 342 Da
        ("NCCCCC(N)C(=O)O", 0),  # lysine: 5 hydrogens on its 3 donor atoms
        ("NCCCC(N)C(=O)NO", 1),  # 6 hydrogens on 4 donor atoms
    ],
)
def test_lipinski_violations_of_known_molecules(smiles, violations):
    assert lipinski_violations(parse(smiles)) == violations


@pytest.mark.parametrize(
    ("smiles", "passes"),
    [
        ("CC(=O)Oc1ccccc1C(=O)O", True),
        ("C" * 13, True),  # 10 rotatable bonds
        ("C" * 14, False),
        ("OCC(O)C(O)C(O)C(O)CO", True),  # 121 Å²
        ("OCC1OC(OC2(CO)OC(CO)C(O)C2O)C(O)C(O)C1O", False),  # 190 Å² with 5 rotatable bonds
    ],
)
def test_veber_asks_for_few_rotatable_bonds_and_little_polar_surface(smiles, passes):
    columns = (np.array([PROPERTIES[name].compute(parse(smiles))]) for name in ("rotatable_bonds", "tpsa"))
    assert passes_veber(*columns).tolist() == [passes]
