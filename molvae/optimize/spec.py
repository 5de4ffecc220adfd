"""What an objective file may say: terms with their desirabilities, and hard constraints.

An objective file is YAML and reads like the profile a chemist would write down:

    name: polar_and_new
    description: Like the lead, less greasy, and not the lead itself.
    mean: geometric
    terms:
      - similarity: {to: 'CC1=CC=C(C=C1)O', fingerprint: ECFP4}
        clip: {upper: 0.6}
      - property: logp
        window: {low: 1.0, high: 3.0, width: 0.5}
      - property: qed
        weight: 2
    constraints:
      - {property: mol_weight, max: 400}
      - {has: 'S(=O)(=O)[NH2]', name: primary_sulfonamide}
      - {alerts: [PAINS, BRENK]}

A term is one quantity (`property`, `similarity`, `has`, ...) and at most one desirability (`maximise`, `window`, ...).
A path or a module in the file is looked for beside the file.
"""

import builtins
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self, TypeVar

import yaml
from pydantic import AfterValidator, Field, FiniteFloat, ValidationError, model_validator
from rdkit import Chem

from molvae.chem.descriptors import PROPERTIES
from molvae.chem.molecules import parse
from molvae.chem.quiet import quiet
from molvae.config import Name, Positive, Section
from molvae.errors import ConfigError, DataError, ObjectiveError
from molvae.files import existing
from molvae.optimize.desirability import (
    Clip,
    Desirability,
    Gaussian,
    MaxGaussian,
    Maximise,
    MinGaussian,
    Minimise,
    Threshold,
    Window,
    identity,
)
from molvae.optimize.formula import parse_formula
from molvae.optimize.similarity import FingerprintName
from molvae.validation import explain

Part = TypeVar("Part")
AlertSet = Literal["PAINS", "BRENK", "NIH"]

# Columns of a score table that a term must not be called.
RESERVED_NAMES = frozenset({"smiles", "score", "feasible"})
# Quantities that lie in [0, 1] by themselves, so that a term may do without a desirability.
UNIT_PROPERTIES = frozenset({"qed", "fraction_csp3"})
UNIT_QUANTITIES = frozenset({"similarity", "has", "lacks", "isomer", "python", "command"})


def _known_property(name: str) -> str:
    try:
        PROPERTIES[name]
    except ConfigError as error:
        raise ValueError(str(error)) from None
    return name


def _molecule(smiles: str) -> str:
    if parse(smiles) is None:
        raise ValueError(f"expected a SMILES, found {smiles!r}")
    return smiles


def _smarts(pattern: str) -> str:
    # RDKit ignores what follows a blank.
    mol = Chem.MolFromSmarts(pattern) if len(pattern.split()) == 1 else None
    if mol is None or mol.GetNumAtoms() == 0:
        raise ValueError(f"expected a SMARTS pattern, found {pattern!r}")
    return pattern


def _element(symbol: str) -> str:
    try:
        Chem.GetPeriodicTable().GetAtomicNumber(symbol)
    except RuntimeError:
        raise ValueError(f"expected the symbol of an element, found {symbol!r}") from None
    return symbol


def _formula(formula: str) -> str:
    parse_formula(formula)
    return formula


def _not_empty(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    # Not pydantic's min_length: it also complains where a part is there but wrong.
    if not parts:
        raise ValueError("expected at least one, found none")
    return parts


Smarts = Annotated[str, AfterValidator(_smarts)]


class Similarity(Section):
    """Tanimoto similarity to a molecule, from 0 to 1."""

    to: Annotated[str, AfterValidator(_molecule)]
    """SMILES of the molecule to compare with."""
    fingerprint: FingerprintName = "ECFP4"
    """ECFP4, ECFP6, FCFP4 and AP count features, unfolded, as in GuacaMol; PHCO is Gobbi's pharmacophore;
    ECFP4_bits is folded to 2,048 bits, for values like those of most other programs."""


class Quantity(NamedTuple):
    """What is computed of a molecule: the kind, and what the kind needs to know."""

    kind: str
    argument: Any
    timeout_s: float | None


class Measured(Section):
    """One quantity of a molecule; exactly one of the keys below says which."""

    name: Name | None = None
    """What tables call it; by default the property or the kind of quantity."""
    property: Annotated[str, AfterValidator(_known_property)] | None = None
    """A built-in property: logp, tpsa, qed, sa_score, mol_weight, ..."""
    similarity: Similarity | None = None
    """Similarity to a known molecule."""
    has: Smarts | None = None
    """SMARTS that should match: 1 if it does, else 0."""
    lacks: Smarts | None = None
    """SMARTS that should not match: 1 if it does not, else 0."""
    count: Smarts | None = None
    """SMARTS whose distinct matches are counted."""
    atom_count: Annotated[str, AfterValidator(_element)] | None = None
    """Element whose atoms are counted, e.g. F; hydrogens count as well."""
    isomer: Annotated[str, AfterValidator(_formula)] | None = None
    """Molecular formula: 1 for its isomers, lower the more atoms are too many or missing (GuacaMol's isomer score)."""
    python: Annotated[str, Field(pattern=r"^[\w.]+:\w+$")] | None = None
    """`module:function`, your own: takes a list of SMILES, returns as many numbers."""
    command: Annotated[str, Field(min_length=1)] | None = None
    """A program and its arguments, your own: reads SMILES on stdin, one a line, and writes a number a line."""
    timeout_s: Positive | None = None
    """Seconds for each molecule that a command may take; without it there is no limit."""

    @model_validator(mode="after")
    def _one_quantity(self) -> Self:
        kinds = self._kinds()
        given = [kind for kind in kinds if getattr(self, kind) is not None]
        if len(given) != 1:
            found = " and ".join(given) or "none"
            raise ValueError(f"expected exactly one quantity ({', '.join(kinds)}), found {found}")
        if self.timeout_s is not None and self.command is None:
            raise ValueError("timeout_s: expected with a command only")
        return self

    @classmethod
    def _kinds(cls) -> tuple[str, ...]:
        return QUANTITIES

    # The field `property` hides the decorator in this class.
    @builtins.property
    def quantity(self) -> Quantity:
        """What to compute; equal for two terms or constraints that need the same number."""
        kind = next(kind for kind in self._kinds() if getattr(self, kind) is not None)
        return Quantity(kind, getattr(self, kind), self.timeout_s)

    @builtins.property
    def title(self) -> str:
        """The name given, or one made from the quantity."""
        if self.name is not None:
            return self.name
        kind, argument, _ = self.quantity
        match kind:
            case "property" | "isomer":
                return str(argument)
            case "atom_count":
                return f"n_{argument}"
            case "python":
                return str(argument).replace(":", ".")
            case _:
                return kind


QUANTITIES = tuple(key for key in Measured.model_fields if key not in ("name", "timeout_s"))


class Term(Measured):
    """A quantity and how desirable its values are; without a desirability, the quantity itself is one."""

    weight: Positive = 1.0
    """Weight in the mean."""
    maximise: Maximise | None = None
    """The higher the better, from `low` (0) to `high` (1)."""
    minimise: Minimise | None = None
    """The lower the better, from `low` (1) to `high` (0)."""
    window: Window | None = None
    """Best from `low` to `high`, with Gaussian flanks of standard deviation `width`."""
    gaussian: Gaussian | None = None
    """Best at `mean`, a Gaussian of standard deviation `sd` around it."""
    min_gaussian: MinGaussian | None = None
    """Best up to `mean`, above it a Gaussian flank of standard deviation `sd`."""
    max_gaussian: MaxGaussian | None = None
    """Best from `mean` on, below it a Gaussian flank of standard deviation `sd`."""
    clip: Clip | None = None
    """Proportional to the value, and 1 from `upper` on."""
    threshold: Threshold | None = None
    """1 on one side of `at`, 0 on the other."""

    @model_validator(mode="after")
    def _one_desirability(self) -> Self:
        given = [key for key in DESIRABILITIES if getattr(self, key) is not None]
        if len(given) > 1:
            raise ValueError(f"expected one desirability, found {' and '.join(given)}")
        kind, argument, _ = self.quantity
        if not given and kind not in UNIT_QUANTITIES and argument not in UNIT_PROPERTIES:
            raise ValueError(
                f"expected a desirability ({', '.join(DESIRABILITIES)}), since {self.title} is not between 0 and 1; "
                "found none"
            )
        if self.title in RESERVED_NAMES:
            raise ValueError(
                f"name: expected another name than {', '.join(sorted(RESERVED_NAMES))}, found {self.title!r}"
            )
        return self

    @property
    def desirability(self) -> Desirability:
        """From a value of the quantity to its desirability in [0, 1]."""
        return next((given for key in DESIRABILITIES if (given := getattr(self, key)) is not None), identity)


DESIRABILITIES = tuple(key for key in Term.model_fields if key not in Measured.model_fields and key != "weight")


class Constraint(Measured):
    """What a molecule must fulfil to be a candidate at all."""

    alerts: Annotated[tuple[AlertSet, ...], AfterValidator(_not_empty)] | None = None
    """Collections of structural alerts of which none may match: PAINS, BRENK, NIH."""
    min: FiniteFloat | None = None
    """Least value allowed."""
    max: FiniteFloat | None = None
    """Largest value allowed."""

    @model_validator(mode="after")
    def _bounds(self) -> Self:
        bounded = self.min is not None or self.max is not None
        kind = self.quantity.kind
        if kind in ("has", "lacks", "alerts"):
            if bounded:
                raise ValueError(f"expected no min or max with {kind}, which holds or does not")
        elif not bounded:
            raise ValueError(f"expected min, max or both for {self.title}, found neither")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"expected min up to max, found min {self.min:g} and max {self.max:g}")
        return self

    @classmethod
    def _kinds(cls) -> tuple[str, ...]:
        return (*QUANTITIES, "alerts")

    def holds(self, value: float) -> bool:
        """Say whether a value of the quantity is allowed."""
        match self.quantity.kind:
            case "has" | "lacks":
                return value == 1.0
            case "alerts":
                return value == 0.0
        return (self.min is None or value >= self.min) and (self.max is None or value <= self.max)


class ObjectiveSpec(Section):
    """What "better" means: desirable values of some quantities, within constraints."""

    name: Name
    """Name of the objective, and of its folder of results."""
    description: str = ""
    """What it asks for, and why, in words."""
    mean: Literal["geometric", "arithmetic"] = "geometric"
    """How desirabilities become the score: a geometric mean is 0 if one of them is, an arithmetic one lets terms make
    up for each other."""
    terms: Annotated[tuple[Term, ...], AfterValidator(_not_empty)]
    """What is wished for."""
    constraints: tuple[Constraint, ...] = ()
    """What must hold."""

    @model_validator(mode="after")
    def _distinct_names(self) -> Self:
        for parts in (self.terms, self.constraints):
            titles = [part.title for part in parts]
            twice = sorted({title for title in titles if titles.count(title) > 1})
            if twice:
                raise ValueError(f"expected distinct names, found {', '.join(twice)} twice; give each a name")
        return self


def read_spec(file: Path) -> ObjectiveSpec:
    """Read an objective file.

    Raises:
        DataError: If there is no such file.
        ObjectiveError: One line that names each wrong key, its value, and what would be right.
    """
    try:
        content = yaml.safe_load(existing(file).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{file}: expected a YAML file, found something that cannot be read ({error})") from error
    except yaml.YAMLError as error:
        raise ObjectiveError(
            f"{file}: expected YAML with SMILES and SMARTS in single quotes, found something else ({error})"
        ) from error
    if not isinstance(content, dict):
        raise ObjectiveError(f"{file}: expected an objective (name, terms, ...), found {type(content).__name__}")
    try:
        with quiet():
            return ObjectiveSpec.model_validate(content)
    except ValidationError as error:
        raise ObjectiveError(
            "; ".join(explain(ObjectiveSpec, each) for each in error.errors()) + f" ({file})"
        ) from error
