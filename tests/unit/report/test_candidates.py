from dataclasses import replace

import pytest

from molvae.report.candidates import candidate_sections, filters_sentence


@pytest.mark.parametrize(
    ("passing", "alerts", "said"),
    [
        ([False, False, False], "x", "0 of 3 candidates pass the MOSES filters."),
        (
            [True, False, False],
            "x",
            "1 of 3 candidates passes the MOSES filters; it has an alert of another collection.",
        ),
        (
            [True, False, False],
            "",
            "1 of 3 candidates passes the MOSES filters; it has no alert of another collection.",
        ),
        (
            [True, True, True],
            "",
            "3 of 3 candidates pass the MOSES filters; none of these has an alert of another coll",
        ),
    ],
)
def test_the_filters_are_told_in_a_sentence_that_agrees(run, passing, alerts, said):
    (result,) = run.optimizations
    molecules = result.scored.molecules.head(3).assign(passes_filters=passing, alerts=alerts)
    assert filters_sentence(replace(result, scored=replace(result.scored, molecules=molecules))).startswith(said)


def test_one_candidate_has_no_range(run):
    (result,) = run.optimizations
    alone = replace(result, candidates=result.candidates.head(1))
    (section,) = candidate_sections(replace(run, optimizations=(alone,)))
    assert section.content["finding"].startswith("The only candidate has a score of 0.")
