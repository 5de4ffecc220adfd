"""What is known of a molecule's score without an oracle call: the terms and constraints that molvae computes itself."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from molvae.optimize.objective import Evaluation, Objective
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
        self._is_geometric = spec.mean == "geometric"
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

    def known(self, molecules: Sequence[Molecule]) -> NDArray[np.float64]:
        """Return what the cheap terms contribute to the scores, float64 (N,); 0 where a value fails."""
        contributions = np.array([self._contribution(molecule) for molecule in molecules], dtype=np.float64)
        return contributions.reshape(len(molecules))

    def compose(self, known: NDArray[np.float64], remainder: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return scores from what the cheap terms contribute and from the remainders, float64 (N,)."""
        if self._is_geometric:
            return known * np.clip(remainder, 0.0, None) ** self.remainder_weight
        return known + self.remainder_weight * remainder

    def remainder(self, evaluation: Evaluation) -> float:
        """Return the mean desirability of the terms that are not cheap; 0 for a molecule that could not be scored."""
        pairs = [(term.weight, evaluation.desirabilities[term.title]) for term in self._others]
        if evaluation.status != "ok" or not pairs:
            return 0.0
        return self._mean(pairs, sum(weight for weight, _ in pairs))

    def _contribution(self, molecule: Molecule) -> float:
        pairs = []
        for term in self._terms:
            [value] = self._measures[term.quantity]([molecule])
            try:
                pairs.append((term.weight, 0.0 if isinstance(value, Failure) else term.desirability(value)))
            except ValueError:
                return 0.0
        return self._mean(pairs, self._total)

    def _mean(self, pairs: Sequence[tuple[float, float]], total: float) -> float:
        if not self._is_geometric:
            return sum(weight * value for weight, value in pairs) / total
        if any(value <= 0.0 for _, value in pairs):
            return 0.0
        return math.exp(sum(weight * math.log(value) for weight, value in pairs) / total)


def _is_cheap(part: Measured) -> bool:
    return not part.quantity.external
