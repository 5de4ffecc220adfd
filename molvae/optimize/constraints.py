"""What the constraints of an objective reject."""

from collections.abc import Mapping, Sequence

import numpy as np

from molvae.log import logger
from molvae.optimize.objective import Objective

# Known molecules that are looked at before a search, and the fraction of them below which hardly any is feasible.
_N_KNOWN = 500
_HARDLY_ANY = 0.05


def constraint_counts(violated: Sequence[Sequence[str]], names: Sequence[str]) -> dict[str, dict[str, int]]:
    """Count what each constraint rejects.

    Args:
        violated: For N molecules, the names of the constraints that each violates.
        names: The constraints.

    Returns:
        By constraint, the number of molecules that violate it, as `violated`, and of those that violate no other one,
        as `alone`.
    """
    return {
        name: {
            "violated": sum(name in titles for titles in violated),
            "alone": sum(list(titles) == [name] for titles in violated),
        }
        for name in names
    }


def rejection_text(counts: Mapping[str, Mapping[str, int]]) -> str:
    """Return how many molecules each constraint rejects as one phrase: `logp 995, mol_weight 893`."""
    strictest = sorted(counts, key=lambda name: -counts[name]["violated"])
    return ", ".join(f"{name} {counts[name]['violated']:,}" for name in strictest if counts[name]["violated"])


def warn_if_hardly_feasible(objective: Objective, train: Sequence[str], rng: np.random.Generator) -> None:
    """Say before a search that it will hardly find a molecule that satisfies the constraints.

    Args:
        objective: What is searched for; constraints that a user's own code computes are left out.
        train: N canonical SMILES of the training molecules, a sample of which is looked at.
        rng: Draws the sample.
    """
    sample = [train[i] for i in rng.permutation(len(train))[:_N_KNOWN]]
    violated = objective.violations(sample)
    n_feasible = sum(not titles for titles in violated)
    if n_feasible < _HARDLY_ANY * len(sample):
        logger.warning(
            "%s: %d of %d training molecules satisfy the constraints, so the search may spend most of its calls on "
            "molecules that do not; rejected by %s",
            objective.name,
            n_feasible,
            len(sample),
            rejection_text(constraint_counts(violated, objective.constraint_names)),
        )
