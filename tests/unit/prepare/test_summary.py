import numpy as np

from molvae.prepare.summary import LengthStatistics, PrepareSummary


def test_lengths_are_summarised_by_known_values():
    assert LengthStatistics.from_counts(np.bincount([1, 2, 3, 10])) == LengthStatistics(1, 4.0, 2.5, 9.79, 10)


def test_the_text_names_the_reasons_and_steps_that_occurred():
    summary = PrepareSummary(
        read=5,
        stereoisomers=0,
        kept=2,
        duplicates=1,
        rejected={"radical": 0, "element": 2},
        splits={"train": 2, "validation": 0, "test": 0},
        changed={"isotopes": 0, "neutralise": 1},
        selfies_length=LengthStatistics.from_counts(np.bincount([3, 5])),
        vocabulary_size=7,
        leakage={},
        properties={},
    )
    first, second = summary.lines()
    assert "kept 2 of 5 rows (2 train, 0 validation, 0 test)" in first
    assert "1 duplicates, 2 rejected (2 element)" in first
    assert second.endswith("changed: neutralise 1")
