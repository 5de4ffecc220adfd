"""Rules of thumb for oral drugs.

References:
    Lipinski et al., Experimental and computational approaches to estimate solubility and permeability in drug discovery
    and development settings, Advanced Drug Delivery Reviews 1997, doi:10.1016/S0169-409X(96)00423-1.
    Veber et al., Molecular properties that influence the oral bioavailability of drug candidates, Journal of Medicinal
    Chemistry 2002, doi:10.1021/jm020017n.
"""

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem import Descriptors, rdMolDescriptors


def lipinski_violations(mol: Chem.Mol) -> int:
    """Count how many of Lipinski's four rules a molecule breaks.

    The rules: at most 500 Da, a logP of at most 5, at most 5 donors (hydrogens on nitrogen and oxygen) and at most 10
    acceptors (nitrogens and oxygens). The logP is Crippen's, where the paper has CLOGP with 5 and MLOGP with 4.15.

    Returns:
        From 0 to 4. The paper expects poor absorption from 2.
    """
    return sum(
        (
            Descriptors.MolWt(mol) > 500.0,  # type: ignore[attr-defined]
            rdMolDescriptors.CalcCrippenDescriptors(mol)[0] > 5.0,
            rdMolDescriptors.CalcNumLipinskiHBD(mol) > 5,
            rdMolDescriptors.CalcNumLipinskiHBA(mol) > 10,
        )
    )


def passes_veber(rotatable_bonds: NDArray[np.float64], tpsa: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which molecules have at most 10 rotatable bonds and a polar surface area of at most 140 Å²."""
    return (rotatable_bonds <= 10.0) & (tpsa <= 140.0)
