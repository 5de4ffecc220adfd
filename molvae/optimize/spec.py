"""What an objective file may say.

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
A path or a module in the file is looked for in the folder of the file.

Two further keys say where the search takes place; each is a constraint as well:

    lead: {smiles: 'CN(C)C(=O)Cc1c(nc2ccc(C)cn12)-c1ccc(C)cc1', similarity: 0.4, fingerprint: ECFP4}
    core: 'c1ccc(-c2cn3ccccc3n2)cc1'
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import AfterValidator, Field, ValidationError, model_validator

from molvae.chem.core import Core, read_core
from molvae.chem.molecules import parse
from molvae.chem.quiet import quiet
from molvae.errors import DataError, ObjectiveError
from molvae.optimize.parts import Constraint, Term
from molvae.optimize.quantities import CoreText, HasCore, MoleculeText, Similarity, SimilarityTarget
from molvae.optimize.quantities.base import not_empty
from molvae.optimize.similarity import FingerprintName
from molvae.section import Fraction, Name, Section
from molvae.untrusted import parse_yaml, read_utf8
from molvae.validation import explain

SIMILARITY_TO_LEAD = "similarity_to_lead"
"""Name of the constraint that a lead is."""
CORE = "core"
"""Name of the constraint that a core is."""


class Lead(Section):
    """A molecule to improve without losing it: the search starts from it and stays near it."""

    smiles: MoleculeText
    """SMILES of the lead."""
    similarity: Fraction = 0.4
    """Least Tanimoto similarity of a candidate to it."""
    fingerprint: FingerprintName = "ECFP4"
    """Fingerprint of the similarity: `ECFP4` counts its features and does not fold them, `ECFP4_bits` is folded to
    2,048 bits; see `SimilarityTarget`."""


class ObjectiveSpec(Section):
    """What "better" means: desirable values of some quantities, within constraints."""

    name: Name
    """Name of the objective, and of its folder of results."""
    description: str = ""
    """What it asks for, and why, in words."""
    mean: Literal["geometric", "arithmetic", "minimum", "pareto"] = "geometric"
    """How desirabilities become the score: a geometric mean is 0 if one of them is, an arithmetic one lets terms make
    up for each other, the minimum is that of the least. With `pareto` they stay apart: the search aims at the front of
    molecules of which none is better in all terms, and the score is only the geometric mean."""
    terms: Annotated[tuple[Term, ...], AfterValidator(not_empty)]
    """What is wished for."""
    constraints: tuple[Constraint, ...] = ()
    """What a candidate must satisfy."""
    reference_point: tuple[Annotated[float, Field(ge=0.0, lt=1.0)], ...] | None = None
    """With `mean: pareto`, a desirability for each term, in their order, above which the hypervolume is measured; by
    default 0 for each."""
    lead: Lead | None = None
    """Where the search starts, and how similar to it a candidate must be."""
    core: CoreText | None = None
    """What every candidate holds, a SMARTS pattern, or a SMILES with attachment points `[*:1]`, at which alone it may
    be substituted. Proposals are made around it."""

    @property
    def is_external(self) -> bool:
        """Whether a user's own function or program is called for a molecule, which may cost anything."""
        return any(part.quantity.external for part in (*self.terms, *self.all_constraints))

    @property
    def kept_core(self) -> Core | None:
        """The core, ready to be looked for in molecules."""
        return None if self.core is None else read_core(self.core)

    @property
    def reference(self) -> str | None:
        """SMILES of the molecule that candidates are compared with: the lead, or that of the first similarity."""
        if self.lead is not None:
            return self.lead.smiles
        targets = (term.quantity for term in self.terms)
        return next((str(target.similarity.to) for target in targets if isinstance(target, Similarity)), None)

    @property
    def all_constraints(self) -> tuple[Constraint, ...]:
        """What a candidate must satisfy, the lead's similarity, the core, and what terms ask for included."""
        own: list[Constraint] = []
        if self.core is not None:
            own.append(Constraint(name=CORE, quantity=HasCore(core=self.core)))
        if self.lead is not None:
            target = SimilarityTarget(to=self.lead.smiles, fingerprint=self.lead.fingerprint)
            least = self.lead.similarity
            own.append(Constraint(name=SIMILARITY_TO_LEAD, quantity=Similarity(similarity=target), min=least))
        implied = dict.fromkeys(term.quantity.implied_constraint() for term in self.terms)
        given = [constraint.quantity for constraint in self.constraints]
        own += [Constraint(quantity=quantity) for quantity in implied if quantity and quantity not in given]
        return (*own, *self.constraints)

    def desirabilities(self, values: Mapping[str, float]) -> dict[str, float]:
        """Return each term's desirability from the raw values, both by the terms' names; NaN stays NaN.

        Raises:
            ValueError: If a value is out of range for a term without a desirability.
        """
        desirabilities = {}
        for term in self.terms:
            value = values[term.title]
            try:
                desirabilities[term.title] = math.nan if math.isnan(value) else term.desirability(value)
            except ValueError as error:
                raise ValueError(f"{term.title}: {error}") from None
        return desirabilities

    def score_of(self, values: Mapping[str, float]) -> float:
        """Return the score of the raw values of all terms, by their names; NaN if one of them is.

        Raises:
            ValueError: If a value is out of range for a term without a desirability.
        """
        desirabilities = self.desirabilities(values)
        return math.nan if any(map(math.isnan, desirabilities.values())) else self.mean_of(desirabilities)

    def mean_of(self, desirabilities: Mapping[str, float]) -> float:
        """Return the score of the desirabilities of all terms, none of which is NaN, in [0, 1]."""
        weighted = [(term.weight, desirabilities[term.title]) for term in self.terms]
        if self.mean == "minimum":
            return min(value for _, value in weighted)
        total = sum(weight for weight, _ in weighted)
        if self.mean == "arithmetic":
            mean = sum(weight * value for weight, value in weighted) / total
        else:
            product = math.prod(value**weight for weight, value in weighted)
            mean = product ** (1.0 / total) if product > 0.0 else _mean_of_logs(weighted, total)
        # Rounding can lift a mean of ones just above one.
        return min(mean, 1.0)

    @model_validator(mode="after")
    def _lead_has_core(self) -> Self:
        if self.lead is not None and self.kept_core is not None:
            mol = parse(self.lead.smiles)
            if mol is None or not self.kept_core.is_in(mol):
                raise ValueError(
                    f"core: expected a part of the lead, found no match of {self.core!r} in {self.lead.smiles}; "
                    "correct one of them"
                )
        return self

    @model_validator(mode="after")
    def _no_names_of_its_own(self) -> Self:
        taken = sorted({constraint.title for constraint in self.constraints} & {CORE, SIMILARITY_TO_LEAD})
        if taken:
            raise ValueError(f"expected another name than {taken[0]}, which is that of what `core` or `lead` asks for")
        return self

    @model_validator(mode="after")
    def _distinct_names(self) -> Self:
        for parts in (self.terms, self.all_constraints):
            titles = [part.title for part in parts]
            twice = sorted({title for title in titles if titles.count(title) > 1})
            if twice:
                raise ValueError(f"expected distinct names, found {', '.join(twice)} twice; give each a name")
        return self

    @model_validator(mode="after")
    def _terms_suit_the_mean(self) -> Self:
        weighted = [term.title for term in self.terms if term.weight != 1.0]
        if self.mean in ("minimum", "pareto") and weighted:
            raise ValueError(f"expected no weights with mean: {self.mean}, found one for {', '.join(weighted)}")
        if self.mean == "pareto" and len(self.terms) < 2:
            raise ValueError(f"expected two terms or more with mean: pareto, found {self.terms[0].title} alone")
        if self.reference_point is None:
            return self
        if self.mean != "pareto":
            raise ValueError(f"expected a reference_point with mean: pareto only, found one with mean: {self.mean}")
        if len(self.reference_point) != len(self.terms):
            raise ValueError(
                f"expected a reference_point of one desirability for each of the {len(self.terms)} terms, found "
                f"{len(self.reference_point)}"
            )
        return self


def _mean_of_logs(weighted: Sequence[tuple[float, float]], total: float) -> float:
    """Return a geometric mean whose product is 0, be it only because large weights make it too small a number."""
    if any(value == 0.0 for _, value in weighted):
        return 0.0
    return math.exp(sum(weight * math.log(value) for weight, value in weighted) / total)


def read_spec(file: Path) -> ObjectiveSpec:
    """Read an objective file.

    Raises:
        DataError: If there is no such file.
        ObjectiveError: One line that names each wrong key, its value, and what would be right.
    """
    try:
        content = parse_yaml(read_utf8(file))
    except UnicodeDecodeError as error:
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
            "; ".join(explain(ObjectiveSpec, fault) for fault in error.errors()) + f" ({file})"
        ) from error
