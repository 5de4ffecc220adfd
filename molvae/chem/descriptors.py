"""Properties of molecules, by name.

References:
    logp: Wildman and Crippen, Prediction of physicochemical parameters by atomic contributions, Journal of Chemical
    Information and Computer Sciences 1999, doi:10.1021/ci990307l.
    tpsa: Ertl, Rohde and Selzer, Fast calculation of molecular polar surface area, Journal of Medicinal Chemistry 2000,
    doi:10.1021/jm000942e (nitrogen and oxygen only, RDKit's default).
    qed: Bickerton et al., Quantifying the chemical beauty of drugs, Nature Chemistry 2012, doi:10.1038/nchem.1243.
    sa_score: Ertl and Schuffenhauer, Estimation of synthetic accessibility score of drug-like molecules, Journal of
    Cheminformatics 2009, doi:10.1186/1758-2946-1-8.
    bertz: Bertz, The first general index of molecular complexity, Journal of the American Chemical Society 1981,
    doi:10.1021/ja00402a071.
    np_score: Ertl, Roggo and Schuffenhauer, Natural product-likeness score and its application for prioritization of
    compound libraries, Journal of Chemical Information and Modeling 2008, doi:10.1021/ci700286x; the model is the one
    that RDKit ships, made from natural products and ZINC.
"""

import gzip
import math
import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import NoReturn

import numpy as np
import pandas as pd
from rdkit import Chem
from rdkit.Chem import QED, Descriptors, GraphDescriptors, rdMolDescriptors
from rdkit.Contrib.NP_Score import npscorer
from rdkit.Contrib.SA_Score import sascorer

from molvae.chem.drug_rules import lipinski_violations
from molvae.chem.molecules import parse
from molvae.chem.quiet import quiet
from molvae.parallel import map_chunks
from molvae.registry import Registry


@dataclass(frozen=True)
class Property:
    """A numerical property of a molecule.

    Attributes:
        title: Its name on the axis of a chart.
        unit: Unit; empty for counts and scores.
        definition: One sentence on what it is and how it is computed.
        function: From an RDKit molecule to the value; may raise for unusual molecules.
        decimals: Decimals that tables show.
        in_unit_interval: Whether it lies in [0, 1] by its definition.
        is_costly: Whether it takes a tenth of a millisecond or more for a drug-like molecule.
    """

    title: str
    unit: str
    definition: str
    function: Callable[[Chem.Mol], float]
    decimals: int = 0
    in_unit_interval: bool = False
    is_costly: bool = False

    @property
    def title_with_unit(self) -> str:
        """The title and, where there is one, the unit: `TPSA, Å²`."""
        return f"{self.title}, {self.unit}" if self.unit else self.title

    def compute(self, mol: Chem.Mol) -> float:
        """Return the property of a sanitised molecule, NaN where it is not defined."""
        try:
            return float(self.function(mol))
        # The descriptors raise these for a molecule outside their domain: no heavy atom, an element without parameters.
        except (ArithmeticError, ValueError, RuntimeError):
            return math.nan


def _logp(mol: Chem.Mol) -> float:
    return float(rdMolDescriptors.CalcCrippenDescriptors(mol)[0])


def _qed(mol: Chem.Mol) -> float:
    """Return RDKit's QED in half the time: it removes hydrogens, and computes logP and TPSA of the copy again."""
    if mol.GetNumAtoms() > mol.GetNumHeavyAtoms():
        return float(QED.qed(mol))  # type: ignore[no-untyped-call]
    properties = QED.QEDproperties(  # type: ignore[no-untyped-call]
        MW=Descriptors.MolWt(mol),  # type: ignore[attr-defined]
        ALOGP=_logp(mol),
        HBA=sum(len(mol.GetSubstructMatches(pattern)) for pattern in QED.Acceptors),
        HBD=rdMolDescriptors.CalcNumHBD(mol),
        PSA=rdMolDescriptors.CalcTPSA(mol),
        ROTB=rdMolDescriptors.CalcNumRotatableBonds(mol, rdMolDescriptors.NumRotatableBondsOptions.Strict),
        AROM=len(Chem.GetSSSR(Chem.DeleteSubstructs(Chem.Mol(mol), QED.AliphaticRings))),
        ALERTS=sum(map(mol.HasSubstructMatch, QED.StructuralAlerts)),
    )
    return float(QED.qed(mol, qedProperties=properties))  # type: ignore[no-untyped-call]


class _PlainUnpickler(pickle.Unpickler):
    """Reads numbers in dictionaries and lists, and nothing that could run code."""

    def find_class(self, module_name: str, global_name: str) -> NoReturn:
        """Refuse all names."""
        raise pickle.UnpicklingError(f"expected numbers, found {module_name}.{global_name}")


@cache
def _np_model() -> dict[int, float]:
    # RDKit's own reader of the file, which comes with it, prints to stderr.
    with gzip.open(Path(npscorer.__file__).with_name("publicnp.model.gz")) as file:
        model: dict[int, float] = _PlainUnpickler(file).load()
    return model


def _np_score(mol: Chem.Mol) -> float:
    return float(npscorer.scoreMol(mol, _np_model()))


def _stereocentres(mol: Chem.Mol) -> float:
    centres: list[tuple[int, str]] = Chem.FindMolChiralCenters(  # type: ignore[no-untyped-call]
        mol, includeUnassigned=True, useLegacyImplementation=False
    )
    return len(centres)


PROPERTIES: Registry[Property] = Registry("property")
PROPERTIES.register("mol_weight")(
    Property("Molecular weight", "Da", "Average molecular weight, hydrogens included.", Descriptors.MolWt, 1)  # type: ignore[attr-defined]
)
PROPERTIES.register("logp")(
    Property("logP", "", "Octanol-water partition coefficient by Crippen's atomic contributions.", _logp, 2)
)
PROPERTIES.register("tpsa")(
    Property("TPSA", "Å²", "Topological polar surface area of nitrogen and oxygen.", rdMolDescriptors.CalcTPSA, 1)
)
PROPERTIES.register("qed")(
    Property("QED", "", "Quantitative estimate of drug-likeness, from 0 to 1 (most drug-like).", _qed, 3, True, True)
)
PROPERTIES.register("sa_score")(
    Property(
        "SA score",
        "",
        "Synthetic accessibility, from 1 (easy) to 10 (hard).",
        sascorer.calculateScore,
        2,
        is_costly=True,
    )
)
PROPERTIES.register("np_score")(
    Property(
        "NP-likeness",
        "",
        "Natural product-likeness, from about -5 (synthetic) to 5 (natural).",
        _np_score,
        2,
        is_costly=True,
    )
)
PROPERTIES.register("lipinski_violations")(
    Property("Lipinski violations", "", "How many of Lipinski's four rules are broken.", lipinski_violations)
)
PROPERTIES.register("hbd")(Property("H-bond donors", "", "Hydrogen-bond donors.", rdMolDescriptors.CalcNumHBD))
PROPERTIES.register("hba")(Property("H-bond acceptors", "", "Hydrogen-bond acceptors.", rdMolDescriptors.CalcNumHBA))
PROPERTIES.register("rotatable_bonds")(
    Property("Rotatable bonds", "", "Rotatable bonds, amides not counted.", rdMolDescriptors.CalcNumRotatableBonds)
)
PROPERTIES.register("rings")(
    Property(
        "Rings",
        "",
        "Rings of RDKit's symmetrised set of smallest rings, three in bicyclo[2.2.2]octane.",
        rdMolDescriptors.CalcNumRings,
    )
)
PROPERTIES.register("aromatic_rings")(
    Property("Aromatic rings", "", "Rings whose bonds are all aromatic.", rdMolDescriptors.CalcNumAromaticRings)
)
PROPERTIES.register("aliphatic_rings")(
    Property(
        "Aliphatic rings",
        "",
        "Rings with a bond that is not aromatic.",
        rdMolDescriptors.CalcNumAliphaticRings,
    )
)
PROPERTIES.register("heavy_atoms")(Property("Heavy atoms", "", "Atoms other than hydrogen.", Chem.Mol.GetNumHeavyAtoms))
PROPERTIES.register("formal_charge")(
    Property("Formal charge", "e", "Sum of the atoms' formal charges.", Chem.GetFormalCharge)
)
PROPERTIES.register("fraction_csp3")(
    Property("Fraction Csp3", "", "Fraction of carbons that are sp3.", rdMolDescriptors.CalcFractionCSP3, 2, True)
)
PROPERTIES.register("stereocentres")(
    Property("Stereocentres", "", "Tetrahedral stereocentres, whether assigned or not.", _stereocentres)
)
PROPERTIES.register("bertz")(
    Property(
        "Bertz complexity",
        "",
        "Bertz's index of molecular complexity (BertzCT).",
        GraphDescriptors.BertzCT,
        is_costly=True,
    )
)


def _rows(smiles: Sequence[str], names: tuple[str, ...]) -> np.ndarray:
    nothing = (math.nan,) * len(names)
    with quiet():
        rows = [
            nothing if mol is None else tuple(PROPERTIES[name].compute(mol) for name in names)
            for mol in map(parse, smiles)
        ]
    return np.array(rows, dtype=np.float64).reshape(len(rows), len(names))


def compute_properties(smiles: Sequence[str], names: Sequence[str] | None = None, n_jobs: int = 1) -> pd.DataFrame:
    """Compute properties of many molecules.

    Args:
        smiles: N SMILES.
        names: Which of `PROPERTIES`, in the order of the columns wanted; all by default.
        n_jobs: Processes to use for large N.

    Returns:
        N rows in the same order, with a float64 column for each name; NaN for a string that is not a molecule.

    Raises:
        ConfigError: If a name is unknown.
    """
    columns = tuple(PROPERTIES if names is None else names)
    for name in columns:
        PROPERTIES[name]
    parts = map_chunks(partial(_rows, names=columns), smiles, n_jobs)
    return pd.DataFrame(np.concatenate([np.empty((0, len(columns))), *parts]), columns=list(columns))
