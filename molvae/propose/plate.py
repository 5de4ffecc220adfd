"""Choose the molecules of a plate: the best, some that teach more, and no close analogues of one another."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from molvae.chem.fingerprints import PackedBits, nearest, paired_similarity

MAX_SIMILARITY = 0.7
"""Tanimoto similarity (ECFP4, 2,048 bits) above which two molecules are close analogues."""
EXPLORE_FRACTION = 0.2
"""Fraction of a plate that is chosen for the most that it may be worth, rather than for what is expected of it."""
BETA = 2.0
"""Exploration weight: an upper confidence bound is mean + BETA * deviation."""


@dataclass(frozen=True)
class Choice:
    """A molecule of the plate.

    Attributes:
        row: Its row among the candidates.
        explores: Whether it is there for its uncertainty, rather than for its predicted value.
        is_twin: Whether it is a close analogue of another one, because there was nothing else left.
    """

    row: int
    explores: bool
    is_twin: bool = False


class Plate:
    """A plate that is filled from candidates, none of which is a close analogue of one that it has."""

    def __init__(self, bits: PackedBits, n: int, measured: PackedBits | None = None) -> None:
        """Begin with an empty plate.

        Args:
            bits: Packed ECFP4 fingerprints (2,048 bits) of N candidates, uint8 (N, 256).
            n: How many are wanted.
            measured: Those of molecules from which `farthest` keeps away as from the chosen ones, uint8 (M, 256).
        """
        self.choices: list[Choice] = []
        self._bits, self._n = bits, n
        # Apart, because a close analogue of a measured molecule is none of another one on the plate.
        self._to_plate = self._to_measured = np.zeros(len(bits), dtype=np.float32)
        if measured is not None and len(measured) and len(bits):
            self._to_measured, _ = nearest(bits, measured)
        self._is_chosen = np.zeros(len(bits), dtype=bool)

    def __len__(self) -> int:
        return len(self.choices)

    def fill(self, order: Iterable[int], n: int, *, explores: bool = False, twins: bool = False) -> None:
        """Choose in some order until there are n, or as many as are wanted in all.

        Args:
            order: Rows of candidates, the most wanted first.
            n: How many the plate then has.
            explores: What is noted of those that are chosen now.
            twins: Whether to take close analogues too.
        """
        for row in order:
            if len(self) >= min(n, self._n):
                return
            if not self._is_chosen[row] and (twins or not self._is_twin(row)):
                self._choose(int(row), explores=explores)

    def farthest(self, n: int) -> None:
        """Choose until there are n, each time the candidate that is the least similar to its nearest one.

        That is the nearest of the chosen molecules and the measured ones.
        """
        while len(self) < min(n, self._n, len(self._bits)):
            to_nearest = np.maximum(self._to_plate, self._to_measured)
            self._choose(int(np.argmin(np.where(self._is_chosen, np.inf, to_nearest))), explores=True)

    def _is_twin(self, row: int) -> bool:
        return bool(self._to_plate[row] > MAX_SIMILARITY)

    def _choose(self, row: int, *, explores: bool) -> None:
        self.choices.append(Choice(row, explores, self._is_twin(row)))
        self._is_chosen[row] = True
        similarity = paired_similarity(self._bits, self._bits[row : row + 1])
        self._to_plate = np.maximum(self._to_plate, similarity)


def best_first(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the rows of N values, the largest first; of equal ones the first."""
    return np.argsort(-values, kind="stable")


def choose(bits: PackedBits, mean: NDArray[np.float64], deviation: NDArray[np.float64], n: int) -> list[Choice]:
    """Choose n of N candidates, or all if there are no more.

    Most are those of the largest means. The others are those of the largest upper confidence bounds: of them the model
    knows less, and they may be worth most. Close analogues are only taken where nothing else is left.

    Args:
        bits: Packed ECFP4 fingerprints (2,048 bits), uint8 (N, 256).
        mean: Predicted values, larger ones better, float64 (N,).
        deviation: Their standard deviations, float64 (N,).
        n: How many are wanted.
    """
    plate = Plate(bits, n)
    plate.fill(best_first(mean), n - int(EXPLORE_FRACTION * n))
    plate.fill(best_first(mean + BETA * deviation), n, explores=True)
    plate.fill(best_first(mean), n, twins=True)
    return plate.choices


def choose_diverse(bits: PackedBits, measured: PackedBits, n: int) -> list[Choice]:
    """Choose n of N candidates that are far from each other and from what is measured (MaxMin).

    Args:
        bits: Packed ECFP4 fingerprints (2,048 bits), uint8 (N, 256).
        measured: Those of the measured molecules, uint8 (M, 256).
        n: How many are wanted.

    References:
        Ashton et al., Identification of diverse database subsets using property-based and fragment-based molecular
        descriptions, Quantitative Structure-Activity Relationships 2002, doi:10.1002/qsar.200290002.
    """
    plate = Plate(bits, n, measured)
    plate.farthest(n)
    return plate.choices
