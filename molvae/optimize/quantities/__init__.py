"""The quantities that an objective can be made of, one kind a class, by the key that names the kind.

A new kind is a module here with a registered subclass of `Quantity`, and a line below.
"""

# In the order of lists and messages.
# isort: off
from molvae.optimize.quantities.base import QUANTITIES, Failure, Measure, Molecule, Quantity
from molvae.optimize.quantities.properties import PropertyValue
from molvae.optimize.quantities.similarity import MoleculeText, Similarity, SimilarityTarget
from molvae.optimize.quantities.substructure import (
    CoreText,
    HasCore,
    HasSubstructure,
    LacksSubstructure,
    SubstructureCount,
)
from molvae.optimize.quantities.atoms import AtomCount, Isomer
from molvae.optimize.quantities.python import PythonFunction
from molvae.optimize.quantities.command import Command
from molvae.optimize.quantities.alerts import Alerts
# isort: on

__all__ = [
    "QUANTITIES",
    "Alerts",
    "AtomCount",
    "Command",
    "CoreText",
    "Failure",
    "HasCore",
    "HasSubstructure",
    "Isomer",
    "LacksSubstructure",
    "Measure",
    "Molecule",
    "MoleculeText",
    "PropertyValue",
    "PythonFunction",
    "Quantity",
    "Similarity",
    "SimilarityTarget",
    "SubstructureCount",
]
