"""What is known of a molecule's score without an oracle call: the terms and constraints that molvae computes itself."""

import math
from collections.abc import Sequence
from random import Random

import numpy as np
from numpy.typing import NDArray

from molvae.optimize.objective import Evaluation, Objective
from molvae.optimize.pareto import draw_direction, scalarise
from molvae.optimize.parts import Constraint, Measured, Term
from molvae.optimize.quantities import Failure, Measure, Molecule, Quantity


class KnownParts:
    """The cheap terms and constraints of an objective.

    The score of a molecule is composed of a factor or summand that the cheap terms give, and of the mean of its other
    terms' desirabilities, the remainder, in [0, 1].

    Attributes:
        remainder_weight: Fraction of the terms' weight that is not cheap.
        has_constraints: Whether there are constraints, cheap ones or others.
        has_paid_constraints: Whether some of them take an oracle call, because a user's own code computes them.
    """

    def __init__(self, objective: Objective, *, terms: bool) -> None:
        """Take the cheap constraints of an objective and, if `terms` is set, its cheap terms."""
        spec = objective.spec
        self._all_constraints = objective.constraints
        self._constraints: list[Constraint] = [part for part in objective.constraints if _is_cheap(part)]
        self._terms: list[Term] = [part for part in spec.terms if terms and _is_cheap(part)]
        self._others = [part for part in spec.terms if part not in self._terms]
        self._total = sum(term.weight for term in spec.terms)
        self.has_constraints = bool(objective.constraints)
        self._paid = [part.title for part in objective.constraints if not _is_cheap(part)]
        self.has_paid_constraints = bool(self._paid)
        self._mean_name = spec.mean
        quantities = dict.fromkeys(part.quantity for part in (*self._constraints, *self._terms))
        self._measures: dict[Quantity, Measure] = {
            quantity: quantity.measure(objective.folder) for quantity in quantities
        }
        self.remainder_weight = sum(term.weight for term in self._others) / self._total

    @property
    def is_predicted(self) -> bool:
        """Whether there is anything to predict: terms that are not known, or constraints."""
        return self.remainder_weight > 0.0 or self.has_paid_constraints

    def feasible(self, molecules: Sequence[Molecule], *, costly: bool) -> NDArray[np.bool_]:
        """Say which molecules satisfy the constraints, bool (N,); one whose value fails does not.

        Args:
            molecules: N molecules.
            costly: Whether to apply the constraints that take some time, or those that take none.
        """
        is_feasible = np.ones(len(molecules), dtype=bool)
        for constraint in self._constraints:
            if constraint.quantity.is_costly() != costly:
                continue
            rows = np.flatnonzero(is_feasible)
            values = self._measures[constraint.quantity]([molecules[row] for row in rows.tolist()])
            is_feasible[rows] = [not isinstance(value, Failure) and constraint.holds(value) for value in values]
        return is_feasible

    def violations(self, molecules: Sequence[Molecule]) -> NDArray[np.float64]:
        """Return by how much molecules violate the cheap constraints in all, float64 (N,); 0 if they satisfy them."""
        total = np.zeros(len(molecules))
        for constraint in self._constraints:
            values = self._measures[constraint.quantity](molecules)
            numbers = [math.nan if isinstance(value, Failure) else value for value in values]
            total += [constraint.violation(value) for value in numbers]
        return total

    def violation(self, evaluation: Evaluation) -> float:
        """Return by how much a scored molecule violates the constraints in all; 0 if it satisfies them."""
        if evaluation.feasible:
            return 0.0
        return sum(part.violation(evaluation.constraints.get(part.title, math.nan)) for part in self._all_constraints)

    def satisfies_paid(self, evaluation: Evaluation) -> bool:
        """Say whether a scored molecule satisfies the constraints that are not cheap; one that failed does not."""
        return evaluation.status == "ok" and not set(self._paid).intersection(evaluation.violated)

    def known(self, molecules: Sequence[Molecule], floor: float = -math.inf) -> NDArray[np.float64]:
        """Return what the cheap terms contribute to the scores, float64 (N,); a value that fails counts as 0.

        Args:
            molecules: N molecules.
            floor: The least contribution that matters. A molecule that stays below it whatever its costly terms are has
                what it would contribute if they were perfect.
        """
        desirabilities = np.ones((len(molecules), len(self._terms)))
        rows = np.arange(len(molecules))
        known = np.empty(0)
        for costly in (False, True):
            chosen = [molecules[row] for row in rows.tolist()]
            for column, term in enumerate(self._terms):
                if term.quantity.is_costly() == costly:
                    # Of all molecules at once: for what is learned, that is many times faster than one by one.
                    values = self._measures[term.quantity](chosen)
                    desirabilities[rows, column] = [_desirability(term, value) for value in values]
            known = np.array([self._contribution(of_one) for of_one in desirabilities.tolist()])
            rows = np.flatnonzero(known >= floor)
        return known

    def compose(self, known: NDArray[np.float64], remainder: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return scores from what the cheap terms contribute and from the remainders, float64 (N,)."""
        if self._mean_name == "minimum":
            return np.minimum(known, remainder) if self._others else known
        if self._mean_name == "geometric":
            return known * np.clip(remainder, 0.0, None) ** self.remainder_weight
        return known + self.remainder_weight * remainder

    def remainder(self, evaluation: Evaluation) -> float | NDArray[np.float64]:
        """Return the mean desirability of the terms that are not cheap; 0 for a molecule that could not be scored."""
        pairs = [(term.weight, evaluation.desirabilities[term.title]) for term in self._others]
        if evaluation.status != "ok" or not pairs:
            return 0.0
        return self._mean(pairs, sum(weight for weight, _ in pairs))

    def _contribution(self, desirabilities: Sequence[float]) -> float:
        """Return what the cheap terms contribute, from the desirability of each of them."""
        weights = [term.weight for term in self._terms]
        return self._mean(list(zip(weights, desirabilities, strict=True)), self._total)

    def _mean(self, pairs: Sequence[tuple[float, float]], total: float) -> float:
        if self._mean_name == "minimum":
            return min((value for _, value in pairs), default=1.0)
        if self._mean_name == "arithmetic":
            return sum(weight * value for weight, value in pairs) / total
        if any(value <= 0.0 for _, value in pairs):
            return 0.0
        return math.exp(sum(weight * math.log(value) for weight, value in pairs) / total)


class KnownGoals(KnownParts):
    """The cheap terms and constraints of an objective whose terms stay apart.

    What is known of a molecule and what remains is a desirability for each of the K terms, and the score is how far
    they reach in a direction that is drawn now and then; see `scalarise`.

    Attributes:
        predicted: Which terms are not cheap, bool (K,).
    """

    def __init__(self, objective: Objective, *, terms: bool) -> None:
        """Take the cheap constraints of an objective and, if `terms` is set, its cheap terms."""
        super().__init__(objective, terms=terms)
        self.predicted = np.array([term in self._others for term in objective.spec.terms])
        self._all_terms, self._names = objective.spec.terms, objective.term_names
        self._reference = objective.reference_point
        self._direction = np.full(len(self._names), len(self._names) ** -0.5)

    def turn(self, rng: Random) -> None:
        """Draw another direction."""
        self._direction = draw_direction(len(self._names), rng)

    def reach(self, desirabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how far the desirabilities of N molecules, float64 (N, K), reach in the direction, float64 (N,)."""
        return scalarise(desirabilities, self._reference, self._direction)

    def known(self, molecules: Sequence[Molecule], floor: float = -math.inf) -> NDArray[np.float64]:  # noqa: ARG002
        """Return the desirabilities of the cheap terms, float64 (N, K); 0 for the others and where a value fails."""
        known = np.zeros((len(molecules), len(self._names)))
        for column, term in enumerate(self._all_terms):
            if not self.predicted[column]:
                known[:, column] = [_desirability(term, value) for value in self._measures[term.quantity](molecules)]
        return known

    def compose(self, known: NDArray[np.float64], remainder: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return scores from the desirabilities that are known and from those that are predicted, float64 (N,)."""
        return self.reach(np.where(self.predicted, np.clip(remainder, 0.0, 1.0), known))

    def remainder(self, evaluation: Evaluation) -> NDArray[np.float64]:
        """Return the desirabilities of all terms, float64 (K,); 0 for a molecule that could not be scored."""
        if evaluation.status != "ok":
            return np.zeros(len(self._names))
        return np.array([evaluation.desirabilities[name] for name in self._names])


def _desirability(term: Term, value: float | Failure) -> float:
    try:
        return 0.0 if isinstance(value, Failure) else term.desirability(value)
    except ValueError:
        return 0.0


def _is_cheap(part: Measured) -> bool:
    return not part.quantity.external
