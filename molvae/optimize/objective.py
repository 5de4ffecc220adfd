"""An objective: from a molecule to its score, and whether it is feasible."""

import difflib
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from molvae.chem.molecules import canonical_smiles, parse
from molvae.chem.quiet import quiet
from molvae.errors import ObjectiveError
from molvae.files import file_sha256
from molvae.optimize.parts import Term
from molvae.optimize.quantities import Failure, Measure, Molecule, Predict, Quantity
from molvae.optimize.spec import ObjectiveSpec, read_spec
from molvae.text import shortened

_LIMITS = ("timeout_s", "memory_gb")

BUILTIN = Path(__file__).parent / "builtin"

Status = Literal["ok", "failed", "invalid", "unscored"]


@dataclass(frozen=True)
class Evaluation:
    """What an objective says of one molecule.

    Attributes:
        smiles: The molecule.
        score: Mean desirability in [0, 1]; NaN unless the status is ok. With `mean: pareto` it is the geometric mean:
            the K-th root of the hypervolume that the molecule alone dominates, from a reference point of 0 in K terms.
        feasible: Whether all constraints are satisfied; never without a score.
        status: `ok`; `failed` where a quantity could not be computed; `invalid` for an invalid SMILES; `unscored`
            where the budget was spent, or for an infeasible molecule where only feasible ones were asked for.
        values: Each term's raw value, by the term's name; NaN where there is none.
        desirabilities: Each term's desirability in [0, 1]; NaN where there is none.
        violated: Names of the constraints that are not satisfied.
        error: Why it failed, in one line; empty if it did not.
        constraints: Each constraint's raw value, by the constraint's name; NaN where there is none.
    """

    smiles: str
    score: float
    feasible: bool
    status: Status
    values: Mapping[str, float]
    desirabilities: Mapping[str, float]
    violated: tuple[str, ...] = ()
    error: str = ""
    constraints: Mapping[str, float] = field(default_factory=dict)


class Objective:
    """What "better" means. It can be pickled, and is then rebuilt from its spec.

    A user's own code is not run before the first molecule is evaluated.

    Attributes:
        spec: What was asked for.
        folder: Where users' own modules and programs are looked for.
        constraints: What a candidate must satisfy, the lead's similarity and the core included.
        files: The user's own files there that the scores depend on.
    """

    def __init__(self, spec: ObjectiveSpec, folder: Path, asked: ObjectiveSpec | None = None) -> None:
        """See that all it needs is there.

        Args:
            spec: What was asked for.
            folder: Where users' own modules and programs are looked for.
            asked: The spec before it was given the model of a search, if it was.

        Raises:
            ObjectiveError: If a user's function or program is not there, or its limit of time could not be kept.
        """
        self.spec = spec
        self._asked = asked or spec
        self.folder = folder
        self.constraints = spec.all_constraints
        # A table may serve several parts.
        self.files = tuple(dict.fromkeys(file for quantity in self._quantities for file in quantity.files(folder)))
        self._total_weight = sum(term.weight for term in spec.terms)
        self._require_limits()

    def __reduce__(self) -> tuple[Any, ...]:
        return Objective, (self.spec, self.folder, self._asked)

    def with_model(self, model: Path) -> "Objective":
        """Return the objective for a search with a trained model, from whose folder properties are predicted."""
        of_model = {
            name: tuple(part.model_copy(update={"quantity": part.quantity.with_model(model)}) for part in parts)
            for name, parts in (("terms", self.spec.terms), ("constraints", self.spec.constraints))
        }
        return Objective(self.spec.model_copy(update=of_model), self.folder, self._asked)

    @property
    def predicted_properties(self) -> list[str]:
        """The properties that the model of the search has to predict."""
        predicted = [q.predict for q in self._quantities if isinstance(q, Predict)]
        return [source.property for source in predicted if source.model is None]

    @property
    def _quantities(self) -> list[Quantity]:
        """The quantities of all terms and constraints; one that several need is computed once."""
        return list(dict.fromkeys(part.quantity for part in (*self.spec.terms, *self.constraints)))

    @cached_property
    def _measures(self) -> dict[Quantity, Measure]:
        return {quantity: self._measure(quantity) for quantity in self._quantities}

    def _measure(self, quantity: Quantity) -> Measure:
        try:
            return quantity.measure(self.folder)
        except ObjectiveError as error:
            where = f"objective {self.name}, {self._part_of(quantity)}"
            raise ObjectiveError(f"{where}: {error}") from error

    def _part_of(self, quantity: Quantity) -> str:
        """Return the first term or constraint that needs a quantity, in words."""
        parts = [*(("term", term) for term in self.spec.terms), *(("constraint", c) for c in self.constraints)]
        return next(f"{kind} {part.title}" for kind, part in parts if part.quantity == quantity)

    def load_user_code(self) -> None:
        """Import the user's own modules now, not when the first molecule is evaluated.

        Raises:
            ObjectiveError: If one of them cannot be imported; the message names its line.
        """
        for quantity in self._quantities:
            if quantity.external:
                self._measure(quantity)

    @property
    def isolated(self) -> bool:
        """Whether evaluating it runs a user's code in the same process, which that code may end."""
        return any(quantity.isolated for quantity in self._quantities)

    @property
    def is_builtin(self) -> bool:
        """Whether it comes with molvae, as the tasks of benchmarks do."""
        return self.folder == BUILTIN

    @property
    def is_external(self) -> bool:
        """Whether a user's own function or program is called for a molecule, which may cost anything."""
        return self.spec.is_external

    def own_code(self) -> str:
        """Return the user's own functions and programs that evaluating it runs, with the SHA-256 of their files."""
        return "; ".join(
            " ".join([f"{quantity.kind()}: {quantity.argument}", *map(_hashed, quantity.files(self.folder))])
            for quantity in self._quantities
            if quantity.external
        )

    @property
    def name(self) -> str:
        """Its name."""
        return self.spec.name

    @cached_property
    def lead(self) -> str | None:
        """Canonical SMILES of the lead; None if there is none."""
        return None if self.spec.lead is None else canonical_smiles(self.spec.lead.smiles)

    @property
    def has_charged_lead(self) -> bool:
        """Whether there is a lead with charged atoms, which are a part of what is similar to it."""
        mol = None if self.lead is None else parse(self.lead)
        return mol is not None and any(atom.GetFormalCharge() for atom in mol.GetAtoms())

    @property
    def term_names(self) -> tuple[str, ...]:
        """The terms' names, in their order."""
        return tuple(term.title for term in self.spec.terms)

    @property
    def constraint_names(self) -> tuple[str, ...]:
        """The constraints' names, in their order."""
        return tuple(constraint.title for constraint in self.constraints)

    @property
    def is_pareto(self) -> bool:
        """Whether its terms stay apart, so that a search aims at a front of molecules."""
        return self.spec.mean == "pareto"

    @property
    def reference_point(self) -> NDArray[np.float64]:
        """The desirabilities above which a hypervolume is measured, float64 (K,) for K terms."""
        return np.array(self.spec.reference_point or np.zeros(len(self.spec.terms)), dtype=np.float64)

    @property
    def timeout_s(self) -> float | None:
        """Seconds for each molecule after which what evaluates it is ended; None without a limit."""
        limits = [quantity.limit_s for quantity in self._quantities if quantity.external]
        return None if not limits or None in limits else sum(limit for limit in limits if limit is not None)

    def _require_limits(self) -> None:
        """Refuse a function with a limit of time next to something of the user's that has none.

        What runs in a process of molvae's is ended with that process, whose time is that of all of them.
        """
        limited = [q for q in self._quantities if q.isolated and q.limit_s is not None]
        unlimited = [q for q in self._quantities if q.external and q.limit_s is None]
        if limited and unlimited:
            raise ObjectiveError(
                f"objective {self.name}, {self._part_of(unlimited[0])}: expected a timeout_s, as "
                f"{self._part_of(limited[0])} has one, which cannot be kept otherwise, found none; give it one"
            )

    def as_dict(self) -> dict[str, Any]:
        """Return the spec as plain values, for JSON; what was not given and has no default is left out."""
        return self.spec.model_dump(mode="json", exclude_none=True)

    def identity(self) -> dict[str, Any]:
        """Return what scores are known to depend on, for JSON.

        Returns:
            The spec without its description and without limits of time and memory, as `objective`, and the SHA-256 of
            the user's own files, as `files`. Neither says where the folder, or the model of a search, lies.
        """
        asked = self._asked.model_dump(mode="json", exclude_none=True)
        files: dict[str, str] = {}
        for file in self.files:
            place = self._place(file)
            # Those of two folders of one name elsewhere.
            files[f"{place} {len(files)}" if place in files else place] = file_sha256(file)
        return {"objective": without_limits({k: v for k, v in asked.items() if k != "description"}), "files": files}

    def _place(self, file: Path) -> str:
        """Return a file's path in the objective's folder; of one that lies elsewhere, only its own folder and name."""
        path = Path(os.path.relpath(file, self.folder))
        return str(Path(*path.parts[-2:]) if ".." in path.parts else path)

    def violations(self, smiles: Sequence[str]) -> list[tuple[str, ...]]:
        """Return which constraints N valid SMILES violate, those left out that a user's own code computes.

        A quantity that cannot be computed violates its constraints.
        """
        with quiet():
            molecules = [Molecule(text, mol) for text in smiles if (mol := parse(text)) is not None]
            cheap = [constraint for constraint in self.constraints if not constraint.quantity.external]
            # Not from all measures at once: that would load the user's code.
            values = {c.quantity: c.quantity.measure(self.folder)(molecules) for c in cheap}
        return [
            tuple(c.title for c in cheap if isinstance(value := values[c.quantity][i], Failure) or not c.holds(value))
            for i in range(len(molecules))
        ]

    def evaluate(self, smiles: str) -> Evaluation:
        """Score one molecule; what cannot be scored has its status and a score of NaN."""
        return self.evaluate_batch([smiles])[0]

    def evaluate_batch(self, smiles: Sequence[str], *, feasible_only: bool = False) -> list[Evaluation]:
        """Score N molecules.

        Args:
            smiles: N SMILES. A value may depend on the SMILES chosen for a molecule, so give canonical ones.
            feasible_only: Whether to score only the molecules that satisfy the constraints. The others have the status
                `unscored` and the first constraint that they violate, and nothing more is computed of them.

        Returns:
            N evaluations in the same order; no molecule makes it raise.

        Raises:
            ObjectiveError: If a user's module cannot be imported.
        """
        with quiet():
            molecules = [Molecule(text, mol) for text in smiles if (mol := parse(text)) is not None]
            values: dict[str, dict[Quantity, float | Failure]] = {molecule.smiles: {} for molecule in molecules}
            broken: dict[str, str] = {}
            for quantity in self._constraints_first:
                for molecule, value in zip(molecules, self._measures[quantity](molecules), strict=True):
                    values[molecule.smiles][quantity] = value
                    if feasible_only and (constraint := self._broken(quantity, value)):
                        broken[molecule.smiles] = constraint
                molecules = [molecule for molecule in molecules if molecule.smiles not in broken]
        evaluations = {
            text: replace(self.without_score(text, "unscored"), violated=(broken[text],))
            if text in broken
            else self.judge(text, raw)
            for text, raw in values.items()
        }
        return [evaluations.get(text) or self.without_score(text, "invalid") for text in smiles]

    @cached_property
    def _constraints_first(self) -> list[Quantity]:
        """All quantities: those of constraints before those of terms alone, and the cheap ones of them first."""
        constrained = sorted((constraint.quantity for constraint in self.constraints), key=lambda q: q.is_costly())
        return list(dict.fromkeys([*constrained, *self._quantities]))

    def without_costly_parts(self) -> "Objective":
        """Return the objective without what takes long to compute, itself if there is nothing that does.

        Where all terms take long, they stay.
        """
        constraints = tuple(part for part in self.spec.constraints if not part.quantity.is_costly())
        if (self._quick_terms, constraints) == (self.spec.terms, self.spec.constraints):
            return self
        quick = {"terms": self._quick_terms, "constraints": constraints}
        return Objective(self.spec.model_copy(update=quick), self.folder)

    def bound(self, quick_score: float) -> float:
        """Return an upper bound of the score of a molecule from its score by the objective `without_costly_parts`."""
        weight = sum(term.weight for term in self._quick_terms) / self._total_weight
        if self.spec.mean == "minimum":
            return quick_score
        return weight * quick_score + 1.0 - weight if self.spec.mean == "arithmetic" else float(quick_score**weight)

    @cached_property
    def _quick_terms(self) -> tuple[Term, ...]:
        quick = tuple(term for term in self.spec.terms if not term.quantity.is_costly())
        return quick or self.spec.terms

    def _broken(self, quantity: Quantity, value: float | Failure) -> str | None:
        """Return the title of the first constraint that a value breaks; a failure may break none."""
        if isinstance(value, Failure):
            return None
        constraints = (constraint for constraint in self.constraints if constraint.quantity == quantity)
        return next((constraint.title for constraint in constraints if not constraint.holds(value)), None)

    def without_score(self, smiles: str, status: Status, error: str = "") -> Evaluation:
        """Return the evaluation of a molecule that has no score."""
        no_values = dict.fromkeys(self.term_names, math.nan)
        no_limits = dict.fromkeys(self.constraint_names, math.nan)
        return Evaluation(smiles, math.nan, False, status, no_values, no_values, (), shortened(error), no_limits)

    def judge(self, smiles: str, raw: Mapping[Quantity, float | Failure]) -> Evaluation:
        """Return the evaluation of a molecule from what was measured of it: all quantities of the objective."""
        failures = {quantity: value.reason for quantity, value in raw.items() if isinstance(value, Failure)}
        numbers = {quantity: value for quantity, value in raw.items() if not isinstance(value, Failure)}
        values = {term.title: numbers.get(term.quantity, math.nan) for term in self.spec.terms}
        limited = {c.title: numbers.get(c.quantity, math.nan) for c in self.constraints}
        failed = replace(self.without_score(smiles, "failed"), values=values, constraints=limited)
        for part in (*self.spec.terms, *self.constraints):
            if part.quantity in failures:
                return replace(failed, error=shortened(f"{part.title}: {failures[part.quantity]}"))
        try:
            desirabilities = self.spec.desirabilities(values)
        except ValueError as error:
            return replace(failed, error=shortened(str(error)))
        violated = tuple(c.title for c in self.constraints if not c.holds(numbers[c.quantity]))
        score = self.spec.mean_of(desirabilities)
        return Evaluation(smiles, score, not violated, "ok", values, desirabilities, violated, "", limited)


def _hashed(file: Path) -> str:
    return f"({file.name}, SHA-256 {file_sha256(file)})"


def builtin_names() -> list[str]:
    """Return the names of the built-in objectives, in alphabetical order."""
    return sorted(file.stem for file in BUILTIN.glob("*.yaml"))


def builtin_objectives() -> dict[str, str]:
    """Return the descriptions of the built-in objectives, by name."""
    return {name: " ".join(read_spec(BUILTIN / f"{name}.yaml").description.split()) for name in builtin_names()}


def without_limits(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return an objective's plain values without limits of time and memory, on which no score depends."""
    return {
        key: [{name: value for name, value in part.items() if name not in _LIMITS} for part in parts]
        if key in ("terms", "constraints")
        else parts
        for key, parts in spec.items()
    }


def load_objective(name_or_path: str) -> Objective:
    """Load a built-in objective by name, or one from a YAML file.

    Args:
        name_or_path: A built-in name (see `builtin_names`), or a path that ends in .yaml or .yml.

    Raises:
        DataError: If the file cannot be read.
        ObjectiveError: If the name is unknown or the file is not a valid objective.
    """
    if Path(name_or_path).suffix in (".yaml", ".yml"):
        file = Path(name_or_path)
        return Objective(read_spec(file), file.resolve().parent)
    known = builtin_names()
    if name_or_path not in known:
        close = difflib.get_close_matches(name_or_path, known, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise ObjectiveError(
            f"expected a YAML file or a built-in objective ({', '.join(known)}), found {name_or_path!r}{hint}"
        )
    return Objective(read_spec(BUILTIN / f"{name_or_path}.yaml"), BUILTIN)
