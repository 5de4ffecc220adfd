"""The oracle: what counts, what is free, and how a killed run resumes."""

import json
import logging
import math
import os
from pathlib import Path

import pandas as pd
import pytest

from molvae.errors import DataError, ObjectiveError
from molvae.optimize import evaluator
from molvae.optimize.objective import Objective, load_objective
from molvae.optimize.oracle import Oracle
from molvae.optimize.spec import ObjectiveSpec

QED = load_objective("qed")


def proposals(*smiles, origin="start"):
    return [(molecule, origin) for molecule in smiles]


@pytest.fixture
def user_objective(tmp_path):
    """Return a function that makes an objective of a Python function's body, given its source."""

    def make(module, source):
        (tmp_path / f"{module}.py").write_text(source)
        return Objective(
            ObjectiveSpec.model_validate({"name": "own", "terms": [{"python": f"{module}:score"}]}), tmp_path
        )

    return make


def search(oracle, smiles, rounds=None):
    """Score molecules in rounds of 40 whose content depends on the scores so far, as a strategy's does."""
    left = list(smiles)
    number = 0
    while left and oracle.remaining and (rounds is None or number < rounds):
        batch, left = left[:40], left[40:]
        evaluations = oracle.score(proposals(*batch, origin=f"arm{number % 2}"), number)
        left.sort(key=lambda molecule: (len(molecule) * evaluations[0].score) % 1)
        number += 1


def test_repeats_and_what_is_no_molecule_are_free():
    oracle = Oracle(QED, 10)
    evaluations = oracle.score(proposals("OCC", "CCO", "nonsense", "C", "C(C)O"), 0)
    assert oracle.n_calls == 2
    assert [evaluation.smiles for evaluation in evaluations] == ["CCO", "CCO", "nonsense", "C", "CCO"]
    assert [evaluation.status for evaluation in evaluations] == ["ok", "ok", "invalid", "ok", "ok"]
    assert evaluations[0] == evaluations[1] == oracle.score(proposals("OCC"), 1)[0]
    assert oracle.remaining == 8


def test_it_stops_exactly_at_the_budget_and_still_answers_what_it_knows():
    oracle = Oracle(QED, 3)
    evaluations = oracle.score(proposals("C", "CC", "CCC", "CCCC", "CC"), 0)
    assert [evaluation.status for evaluation in evaluations] == ["ok", "ok", "ok", "unscored", "ok"]
    assert math.isnan(evaluations[3].score)
    assert oracle.remaining == 0
    assert [evaluation.status for evaluation in oracle.score(proposals("CCCC", "C"), 1)] == ["unscored", "ok"]
    assert len(oracle.trace()) == 3


def test_the_trace_has_a_row_a_call_in_order():
    oracle = Oracle(load_objective("osimertinib_mpo"), 10, training={"CCO"})
    oracle.score(proposals("OCC", "C", origin="start"), 0)
    oracle.score(proposals("C", "CN", origin="perturb"), 1)
    trace = oracle.trace()
    assert trace["call"].tolist() == [1, 2, 3]
    assert trace["round"].tolist() == [0, 0, 1]
    assert trace["origin"].tolist() == ["start", "start", "perturb"]
    assert trace["smiles"].tolist() == ["CCO", "C", "CN"]
    assert trace["in_training"].tolist() == [True, False, False]
    assert trace.columns[-4:].tolist() == ["term.like_osimertinib", "term.not_osimertinib", "term.tpsa", "term.logp"]
    times = oracle.times()
    assert times["call"].tolist() == [1, 2, 3]
    assert times["seconds"].is_monotonic_increasing


def test_an_empty_trace_has_the_same_columns_and_types():
    oracle = Oracle(QED, 10)
    empty = oracle.trace()
    oracle.score(proposals("CCO"), 0)
    assert empty.dtypes.to_dict() == oracle.trace().dtypes.to_dict()


def test_a_failed_evaluation_is_a_call_without_a_score(user_objective):
    own = user_objective("failing_sometimes", "def score(smiles):\n    return [1 / len(s[3:]) for s in smiles]\n")
    oracle = Oracle(own, 10)
    evaluations = oracle.score(proposals("CCC", "CCCC"), 0)
    assert [evaluation.status for evaluation in evaluations] == ["failed", "ok"]
    trace = oracle.trace()
    assert trace["score"].isna().tolist() == [True, False]
    assert not trace["feasible"][0]
    assert oracle.remaining == 8


def test_it_gives_up_when_everything_fails_and_forgets_those_failures(user_objective, smiles, tmp_path):
    own = user_objective("failing_always", "def score(smiles):\n    raise OSError('no licence')\n")
    oracle = Oracle(own, 100, tmp_path / "resume")
    with pytest.raises(
        DataError, match=r"first 21 molecules failed; the last with: failing_always\.score: OSError: no licence"
    ):
        oracle.score(proposals(*smiles[:30]), 0)
    assert (tmp_path / "resume" / "calls.csv").read_text().count("\n") == 1


def test_a_killed_run_goes_on_with_the_same_trace(smiles, tmp_path, monkeypatch):
    whole = Oracle(load_objective("osimertinib_mpo"), 200)
    search(whole, smiles)

    class Killed(BaseException):
        pass

    computed = []
    evaluate = Objective.evaluate_batch

    def evaluate_until_killed(self, batch):
        if len(computed) + len(batch) > 110:
            raise Killed
        computed.extend(batch)
        return evaluate(self, batch)

    monkeypatch.setattr(Objective, "evaluate_batch", evaluate_until_killed)
    killed = Oracle(load_objective("osimertinib_mpo"), 200, tmp_path)
    with pytest.raises(Killed):
        search(killed, smiles)
    # In the middle of a round, and half a line.
    assert 80 < len(computed) <= 110
    with (tmp_path / "calls.csv").open("a") as stream:
        stream.write("CCO,0.12")

    computed_again = []
    monkeypatch.setattr(
        Objective, "evaluate_batch", lambda self, batch: computed_again.extend(batch) or evaluate(self, batch)
    )
    resumed = Oracle(load_objective("osimertinib_mpo"), 200, tmp_path)
    search(resumed, smiles)
    assert len(computed_again) == 200 - len(computed)
    resumed.trace().to_parquet(tmp_path / "resumed.parquet")
    whole.trace().to_parquet(tmp_path / "whole.parquet")
    assert (tmp_path / "resumed.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()
    assert resumed.times()["seconds"].is_monotonic_increasing
    # And once more, now from the record alone.
    computed_again.clear()
    search(again := Oracle(load_objective("osimertinib_mpo"), 200, tmp_path), smiles)
    assert not computed_again
    assert again.trace().equals(whole.trace())


def test_stored_evaluations_come_back_whole(tmp_path):
    content = {"name": "x", "terms": [{"property": "qed"}], "constraints": [{"property": "rings", "min": 1}]}
    objective = Objective(ObjectiveSpec.model_validate(content), Path())
    first = Oracle(objective, 10, tmp_path).score(proposals("CCO", "C1CC1"), 0)
    assert first[0].violated == ("rings",)
    assert Oracle(objective, 10, tmp_path).score(proposals("CCO", "C1CC1"), 0) == first


def test_calls_of_another_objective_are_set_aside_but_words_may_change(tmp_path, caplog):
    Oracle(QED, 10, tmp_path).score(proposals("CCO"), 0)
    reworded = QED.spec.model_copy(update={"description": "in other words"})
    Oracle(Objective(reworded, Path()), 10, tmp_path)
    assert "CCO" in (tmp_path / "calls.csv").read_text()
    with caplog.at_level(logging.WARNING, logger="molvae"):
        Oracle(load_objective("median1"), 10, tmp_path)
    assert "CCO" not in (tmp_path / "calls.csv").read_text()
    assert "CCO" in (tmp_path / "calls.1.csv").read_text()
    assert "starting over, they are kept as calls.1.csv" in caplog.text


@pytest.mark.parametrize("damage", [b"0,start,CCC,high,True,ok,,,0.4,1.0\n", b'"CCC\xff,0.5\n', b"\0\n", b",\n"])
def test_calls_that_cannot_be_read_are_told_and_made_again(tmp_path, caplog, damage):
    Oracle(QED, 10, tmp_path).score(proposals("CCO"), 0)
    with (tmp_path / "calls.csv").open("ab") as stream:
        stream.write(damage)
    with caplog.at_level(logging.INFO, logger="molvae"):
        Oracle(QED, 10, tmp_path).score(proposals("CCN"), 0)
        assert "expected 2 calls of an earlier run, found 1 that can be read; the others are made again" in caplog.text
        assert "resuming after 1 calls" in caplog.text
        caplog.clear()
        Oracle(QED, 10, tmp_path)
        assert "resuming after 2 calls" in caplog.text
    assert "made again" not in caplog.text


@pytest.mark.parametrize("name", ["calls.csv", "objective.json"])
def test_an_empty_file_begins_the_record_anew(tmp_path, name):
    Oracle(QED, 10, tmp_path).score(proposals("CCO"), 0)
    (tmp_path / name).write_bytes(b"")
    for n_known in (0, 1):
        oracle = Oracle(QED, 10, tmp_path)
        assert (oracle._record.get("CCO") is not None) == bool(n_known)
        oracle.score(proposals("CCO"), 0)


def test_calls_are_not_written_through_a_link(tmp_path):
    Oracle(QED, 10, tmp_path / "resume")
    calls = tmp_path / "resume" / "calls.csv"
    mine = calls.rename(tmp_path / "mine.csv")
    mine.write_text(mine.read_text() + "half a line")
    calls.symlink_to(mine)
    Oracle(QED, 10, tmp_path / "resume")
    assert mine.read_text().endswith("half a line")
    assert not calls.is_symlink()


def test_several_processes_give_the_same_trace(smiles, monkeypatch):
    monkeypatch.setattr(evaluator, "SECONDS_FOR_A_POOL", 0.0)
    alone, together = Oracle(QED, 60), Oracle(QED, 60, n_jobs=2)
    with together:
        search(alone, smiles)
        search(together, smiles)
        assert together._evaluator._pool is not None
    assert together.trace().equals(alone.trace())


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_molecule_that_kills_its_process_fails_alone(user_objective, n_jobs):
    source = "import os\n\ndef score(smiles):\n    if 'CF' in smiles:\n        os._exit(3)\n"
    own = user_objective("deadly", source + "    return [0.5 for _ in smiles]\n")
    with Oracle(own, 20, n_jobs=n_jobs) as oracle:
        evaluations = oracle.score(proposals("C", "CC", "CF", "CCC", "CCCC", "CCCCC", "CCCCCC"), 0)
    assert [one.status for one in evaluations] == ["ok", "ok", "failed", "ok", "ok", "ok", "ok"]
    assert evaluations[2].error == "the process that scored it died"


def test_a_users_function_is_not_run_in_this_process(user_objective):
    own = user_objective(
        "elsewhere", f"import os\n\ndef score(smiles):\n    return [float(os.getpid() != {os.getpid()})]\n"
    )
    with Oracle(own, 10) as oracle:
        assert oracle.score(proposals("C"), 0)[0].score == 1.0


def test_a_function_that_leaves_ends_nothing(user_objective, smiles):
    own = user_objective("leaving", "import sys\n\ndef score(smiles):\n    sys.exit(0)\n")
    with Oracle(own, 100) as oracle, pytest.raises(DataError, match=r"leaving\.score: SystemExit: 0"):
        oracle.score(proposals(*smiles[:40]), 0)


def test_a_module_that_cannot_be_imported_is_refused(user_objective):
    own = user_objective("unimportable", "import sys\nsys.exit(0)\n\ndef score(smiles):\n    return []\n")
    with (
        Oracle(own, 10) as oracle,
        pytest.raises(ObjectiveError, match=r"found: unimportable\.py line 2: SystemExit"),
    ):
        oracle.score(proposals("C"), 0)


def test_a_program_that_cannot_work_is_not_started_for_a_whole_round(tmp_path, smiles):
    (tmp_path / "never.sh").write_text("#!/bin/sh\necho x >> starts\nexit 7\n")
    (tmp_path / "never.sh").chmod(0o755)
    spec = ObjectiveSpec.model_validate({"name": "never", "terms": [{"command": "./never.sh"}]})
    with pytest.raises(DataError, match="exit status 7"):
        Oracle(Objective(spec, tmp_path), 100).score(proposals(*smiles[:80]), 0)
    assert (tmp_path / "starts").read_text().count("x") <= 25


RUNS_OUT = """#!/bin/sh
while read smiles; do
  echo x >> count
  if [ "$(wc -l < count)" -gt 20 ] && [ ! -e licence ]; then echo "licence ran out" >&2; exit 7; fi
  echo 0.5
done
"""


def test_failures_in_a_row_after_good_calls_end_the_search_and_are_forgotten(tmp_path, smiles):
    (tmp_path / "runs-out.sh").write_text(RUNS_OUT)
    (tmp_path / "runs-out.sh").chmod(0o755)
    spec = ObjectiveSpec.model_validate({"name": "runs_out", "terms": [{"command": "./runs-out.sh"}]})
    with pytest.raises(DataError, match=r"each of the last \d+ molecules failed; .*exit status 7: licence ran out"):
        Oracle(Objective(spec, tmp_path), 200, tmp_path / "resume").score(proposals(*smiles[:120]), 0)
    (tmp_path / "licence").touch()
    resumed = Oracle(Objective(spec, tmp_path), 200, tmp_path / "resume")
    evaluations = resumed.score(proposals(*smiles[:120]), 0)
    assert {one.status for one in evaluations} == {"ok"}


def test_a_budget_of_nothing_is_refused():
    with pytest.raises(ValueError, match="at least 1 call"):
        Oracle(QED, 0)


def kill_half_way(folder, rounds):
    """Leave the record of a search that scored three molecules in each of some rounds."""
    oracle = Oracle(QED, 100, folder)
    for number in range(rounds):
        oracle.score(proposals(*("C" * (3 * number + n) for n in (1, 2, 3)), origin="first"), number)


def test_a_search_that_takes_another_course_is_told_what_was_recorded_and_counts_it(tmp_path):
    kill_half_way(tmp_path, 3)
    oracle = Oracle(QED, 10, tmp_path)
    same = proposals("C", "CC", "CCC", origin="first")
    assert oracle.recall(same, 0) == []
    oracle.score(same, 0)
    other = proposals("CO", "CCCC", origin="second")
    recalled = oracle.recall(other, 1)
    assert [evaluation.smiles for evaluation in recalled] == ["C" * n for n in range(4, 10)]
    assert oracle.remaining == 1
    assert oracle.n_rounds == 3
    evaluations = oracle.score(proposals("CCCC", "CO", "CN", origin="second"), 3)
    assert [evaluation.status for evaluation in evaluations] == ["ok", "ok", "unscored"]
    trace = oracle.trace()
    assert trace["smiles"].tolist() == [*("C" * n for n in range(1, 10)), "CO"]
    assert trace["round"].tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3]
    assert trace["origin"].tolist() == ["first"] * 9 + ["second"]
    assert oracle.recall(other, 4) == []


def test_all_recorded_calls_count_under_a_smaller_budget(tmp_path):
    kill_half_way(tmp_path, 3)
    oracle = Oracle(QED, 4, tmp_path)
    oracle.score(proposals("C", "CC", "CCC", "CCCC"), 0)
    assert oracle.remaining == 0
    assert len(oracle.recall_all()) == 5
    assert (oracle.remaining, oracle.n_calls, len(oracle.trace())) == (0, 9, 9)


def test_the_record_is_the_trace_at_any_moment(tmp_path):
    content = {"name": "x", "terms": [{"property": "qed"}], "constraints": [{"property": "rings", "min": 1}]}
    oracle = Oracle(Objective(ObjectiveSpec.model_validate(content), Path()), 10, tmp_path)
    oracle.score(proposals("CCO", "C1CC1"), 0)
    recorded = pd.read_csv(tmp_path / "calls.csv", keep_default_na=False)
    trace = oracle.trace()
    assert trace["violated"].tolist() == ["rings", ""]
    assert trace["constraint.rings"].tolist() == [0.0, 1.0]
    shared = [column for column in trace if column in recorded]
    assert set(trace) - set(shared) == {"call", "in_training"}
    assert recorded[shared].astype(trace[shared].dtypes).equals(trace[shared])


def test_a_change_of_a_users_file_keeps_the_calls_and_is_told(user_objective, tmp_path, caplog):
    source = "def score(smiles):\n    return [0.5 for _ in smiles]\n"
    with Oracle(user_objective("edited", source), 10, tmp_path / "resume") as oracle:
        oracle.score(proposals("C"), 0)
    with caplog.at_level(logging.WARNING, logger="molvae"):
        edited = user_objective("edited", source.replace("0.5", "0.6"))
        with Oracle(edited, 10, tmp_path / "resume") as oracle:
            assert oracle.score(proposals("C"), 0)[0].score == 0.5
    assert "your own files have changed since these calls, which still count; remove" in caplog.text


def test_failures_of_a_search_without_any_score_are_tried_again(user_objective, tmp_path):
    source = "import os\n\ndef score(smiles):\n    return [float(os.environ['LICENCE'])]\n"
    with Oracle(user_objective("failing_so_far", source), 3, tmp_path / "resume") as oracle:
        oracle.score(proposals("C", "CC", "CCC"), 0)
        with pytest.raises(DataError, match=r"none in 3 calls; the last failed with: .*KeyError: 'LICENCE'"):
            oracle.require_scores()
    assert (tmp_path / "resume" / "calls.csv").read_text().count("\n") == 1


LIMITED = """#!/bin/sh
echo start >> starts
while read smiles; do
  echo "$smiles" >> count
  if [ "$(wc -l < count)" -gt 100 ] && [ ! -e licence ]; then echo "licence ran out" >&2; exit 7; fi
  echo 0.5
done
"""


def test_a_licence_that_is_lost_after_100_calls_costs_no_call_and_little_time(tmp_path, smiles):
    (tmp_path / "limited.sh").write_text(LIMITED)
    spec = ObjectiveSpec.model_validate({"name": "limited", "terms": [{"command": "sh limited.sh"}]})
    with pytest.raises(DataError, match=r"each of the last \d+ molecules failed; .*exit status 7: licence ran out"):
        Oracle(Objective(spec, tmp_path), 400, tmp_path / "resume").score(proposals(*smiles[:190]), 0)
    # What it had answered when it ended is kept: all 100.
    assert len(pd.read_csv(tmp_path / "resume" / "calls.csv")) == 100
    assert (tmp_path / "starts").read_text().count("start") < 25
    (tmp_path / "licence").touch()
    resumed = Oracle(Objective(spec, tmp_path), 400, tmp_path / "resume")
    assert {one.status for one in resumed.score(proposals(*smiles[:190]), 0)} == {"ok"}
    assert resumed.n_calls == 190
    scored = (tmp_path / "count").read_text().split()
    assert all(scored.count(text) == 1 for text in scored[:100])


@pytest.mark.parametrize("value", ["nan", "inf"])
def test_what_is_no_finite_number_fails_its_molecule_and_is_shown(user_objective, value):
    source = f"def score(smiles):\n    return [float({value!r}) if s == 'CC' else 0.5 for s in smiles]\n"
    with Oracle(user_objective(f"odd_{value}", source), 10) as oracle:
        evaluations = oracle.score(proposals("C", "CC", "CCC"), 0)
    assert [one.status for one in evaluations] == ["ok", "failed", "ok"]
    assert evaluations[1].error == f"odd_{value}.score: expected a finite number, found {value}"


@pytest.mark.parametrize(
    ("desirability", "score"),
    [
        ({"maximise": {"low": 0, "high": 1}}, 1.0),
        ({"minimise": {"low": 0, "high": 1}}, 0.0),
        ({"window": {"low": 0, "high": 1, "width": 0.5}}, 0.0),
        ({"gaussian": {"mean": 0, "sd": 1}}, 0.0),
    ],
)
def test_a_huge_number_is_a_number(tmp_path, desirability, score):
    (tmp_path / "huge.sh").write_text("while read smiles; do echo 1e300; done\n")
    spec = ObjectiveSpec.model_validate({"name": "huge", "terms": [{"command": "sh huge.sh", **desirability}]})
    oracle = Oracle(Objective(spec, tmp_path), 10)
    assert oracle.score(proposals("C"), 0)[0].score == score
    assert oracle.trace()["term.command"].tolist() == [1e300]


def test_too_few_numbers_are_told(user_objective, smiles):
    own = user_objective("stingy", "def score(smiles):\n    return []\n")
    said = "ValueError: expected 1 numbers for 1 molecules, found 0"
    with Oracle(own, 100) as oracle, pytest.raises(DataError, match=said):
        oracle.score(proposals(*smiles[:40]), 0)


def test_a_banner_is_told_by_its_line(tmp_path, smiles):
    (tmp_path / "banner.sh").write_text("echo Dock 3.1\nwhile read smiles; do echo 1; done\n")
    spec = ObjectiveSpec.model_validate({"name": "banner", "terms": [{"command": "sh banner.sh"}]})
    with pytest.raises(DataError, match=r"expected 1 numbers for 1 molecules, found 2 lines, one of them 'Dock 3\.1'"):
        Oracle(Objective(spec, tmp_path), 100).score(proposals(*smiles[:40]), 0)


def test_calls_of_an_earlier_version_count_and_are_named(tmp_path, monkeypatch, caplog):
    earlier = {"molvae": "0.0", "source": "older"}
    with monkeypatch.context() as patch:
        patch.setattr("molvae.optimize.calls.software", lambda: earlier)
        first = Oracle(QED, 10, tmp_path).score(proposals("CCO"), 0)
        assert Oracle(QED, 10, tmp_path).earlier_software == []
    for _ in range(2):
        caplog.clear()
        with caplog.at_level(logging.WARNING, logger="molvae"):
            again = Oracle(QED, 10, tmp_path)
        assert again.earlier_software == [earlier]
        assert "another version of molvae made calls of this search" in caplog.text
    assert again.score(proposals("CCO"), 0) == first


def test_calls_that_say_not_what_made_them_are_of_an_unknown_version(tmp_path):
    Oracle(QED, 10, tmp_path).score(proposals("CCO"), 0)
    file = tmp_path / "objective.json"
    content = json.loads(file.read_text())
    del content["software"]
    file.write_text(json.dumps(content))
    assert Oracle(QED, 10, tmp_path).earlier_software == [{"molvae": "unknown", "source": "unknown"}]


def test_a_long_complaint_is_shortened_and_costs_no_later_call(user_objective, tmp_path):
    source = "def score(smiles):\n    if 'N' in smiles[0]:\n        raise OSError('x' * 200_000)\n    return [0.5]\n"
    own = user_objective("complains", source)
    failed, scored = Oracle(own, 10, tmp_path / "resume").score(proposals("CCN", "CCO"), 0)
    assert (failed.status, scored.score) == ("failed", 0.5)
    assert len(failed.error) < 600
    again = Oracle(own, 10, tmp_path / "resume")
    assert [(one.smiles, one.status, one.error) for one in again.recall_all()] == [
        (one.smiles, one.status, one.error) for one in (failed, scored)
    ]


def test_calls_after_a_cell_that_is_too_long_are_read(tmp_path, caplog):
    """Earlier versions wrote complaints of any length."""
    Oracle(QED, 10, tmp_path).score(proposals("CCO", "CCN"), 0)
    lines = (tmp_path / "calls.csv").read_text().splitlines()
    error = lines[0].split(",").index("error")
    cells = lines[1].split(",")
    cells[error] = "x" * 200_000
    (tmp_path / "calls.csv").write_text("\n".join([lines[0], ",".join(cells), lines[2]]) + "\n")
    with caplog.at_level(logging.WARNING, logger="molvae"):
        assert len(Oracle(QED, 10, tmp_path).recall_all()) == 2
    assert not caplog.text


def test_a_longer_limit_keeps_the_calls(tmp_path):
    (tmp_path / "own.py").write_text("def score(smiles):\n    return [0.5] * len(smiles)\n")

    def oracle(**limits):
        spec = ObjectiveSpec.model_validate({"name": "own", "terms": [{"python": "own:score", **limits}]})
        return Oracle(Objective(spec, tmp_path), 10, tmp_path / "resume")

    oracle(timeout_s=60).score(proposals("CCO"), 0)
    assert len(oracle(timeout_s=120).recall_all()) == 1
    assert len(oracle().recall_all()) == 1


def test_a_complaint_that_no_file_takes_costs_no_call(user_objective, tmp_path):
    own = user_objective(
        "half", "def score(smiles):\n    raise ValueError(b'\\xfc'.decode(errors='surrogateescape'))\n"
    )
    [failed] = Oracle(own, 10, tmp_path / "resume").score(proposals("CCN"), 0)
    assert (failed.status, failed.error.endswith("\\udcfc")) == ("failed", True)
    assert len(Oracle(own, 10, tmp_path / "resume").recall_all()) == 1


def test_calls_that_cannot_be_read_are_kept_as_they_were(tmp_path, caplog):
    Oracle(QED, 10, tmp_path).score(proposals("CCO", "CCN"), 0)
    calls = tmp_path / "calls.csv"
    damaged = calls.read_text().replace("smiles", "smilfs")
    for number in (1, 2):
        calls.write_text(damaged)
        with caplog.at_level(logging.WARNING, logger="molvae"):
            assert Oracle(QED, 10, tmp_path).recall_all() == []
        assert f"kept as calls.{number}.csv" in caplog.text
        assert (tmp_path / f"calls.{number}.csv").read_text() == damaged


@pytest.mark.parametrize("content", [{"objective": 3, "files": {}}, {"objective": {"terms": [3]}, "files": {}}, [1]])
def test_calls_of_a_strange_objective_are_set_aside(tmp_path, content):
    Oracle(QED, 10, tmp_path).score(proposals("CCO"), 0)
    (tmp_path / "objective.json").write_text(json.dumps(content))
    assert Oracle(QED, 10, tmp_path).recall_all() == []
    assert (tmp_path / "calls.1.csv").exists()


def test_a_search_that_proposed_nothing_says_so():
    oracle = Oracle(QED, 10)
    oracle.score(proposals("nonsense"), 0)
    with pytest.raises(DataError, match="expected a search that proposes molecules, found none that is valid"):
        oracle.require_scores()
