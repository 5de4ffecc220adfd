import numpy as np

from molvae.prepare.convert import Reason
from molvae.prepare.summary import LengthStatistics, PrepareSummary


def test_lengths_are_described_by_known_figures():
    assert LengthStatistics.of(np.bincount([1, 2, 3, 10])) == LengthStatistics(1, 4.0, 2.5, 9.79, 10)


def test_every_reason_split_and_step_is_listed_even_at_zero():
    summary = PrepareSummary.of(
        stereoisomers=0,
        read=5,
        reasons={Reason.DUPLICATE: 1, Reason.ELEMENT: 2},
        steps={"neutralise": 1},
        splits={"train": 2, "validation": 0, "test": 0},
        lengths=np.bincount([3, 5]),
        vocabulary_size=7,
        leakage={},
        properties={},
    )
    assert (summary.kept, summary.duplicates) == (2, 1)
    assert summary.rejected["element"] == 2
    assert set(summary.rejected) == {reason.value for reason in Reason} - {"duplicate"}
    assert summary.splits == {"train": 2, "validation": 0, "test": 0}
    assert summary.changed["isotopes"] == 0
    assert "kept 2 of 5 rows" in summary.lines()[0]
    assert "2 element" in summary.lines()[0]
    assert "neutralise 1" in summary.lines()[1]
