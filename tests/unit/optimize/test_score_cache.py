"""Scores that searches share."""

import json
import multiprocessing
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from molvae.errors import DataError
from molvae.optimize.objective import Objective, load_objective
from molvae.optimize.oracle import Oracle
from molvae.optimize.score_cache import ScoreCache
from molvae.optimize.spec import ObjectiveSpec

SCRIPT = "while read smiles; do echo $smiles >> calls; echo {value}; done\n"


def proposals(*smiles):
    return [(molecule, "start") for molecule in smiles]


@pytest.fixture
def counted(tmp_path):
    """Return a function that makes an objective of a program that logs its calls."""

    def make(value=0.5):
        (tmp_path / "score.sh").write_text(SCRIPT.format(value=value))
        content = {"name": "x", "terms": [{"command": "sh score.sh"}], "constraints": [{"property": "rings", "min": 1}]}
        return Objective(ObjectiveSpec.model_validate(content), tmp_path)

    return make


def test_a_score_of_another_search_is_a_call_but_not_computed(counted, tmp_path):
    first = Oracle(counted(), 10, cache=tmp_path / "cache.sqlite")
    second = Oracle(counted(), 2, tmp_path / "resume", cache=tmp_path / "cache.sqlite")
    one = first.score(proposals("C", "C1CC1"), 0)
    assert second.score(proposals("C", "C1CC1"), 0) == one
    assert (tmp_path / "calls").read_text().split() == ["C", "C1CC1"]
    assert second.remaining == 0
    assert second.trace().equals(first.trace())
    assert (tmp_path / "resume" / "calls.csv").read_text().count("\n") == 3


def test_a_change_of_the_objective_or_of_a_users_file_is_another_one(counted, tmp_path):
    cache = tmp_path / "cache.sqlite"
    assert Oracle(counted(), 10, cache=cache).score(proposals("C"), 0)[0].score == 0.5
    assert Oracle(counted(0.25), 10, cache=cache).score(proposals("C"), 0)[0].score == 0.25
    assert Oracle(load_objective("qed"), 10, cache=cache).score(proposals("C"), 0)[0].score not in (0.5, 0.25)
    assert Oracle(counted(), 10, cache=cache).score(proposals("C"), 0)[0].score == 0.5
    assert (tmp_path / "calls").read_text().split() == ["C", "C"]


def test_failures_are_not_shared(counted, tmp_path):
    cache = tmp_path / "cache.sqlite"
    assert Oracle(counted("no"), 10, cache=cache).score(proposals("C"), 0)[0].status == "failed"
    assert ScoreCache(cache, counted("no")).get(["C"]) == []


def _search(file: Path, smiles: list[str]) -> None:
    Oracle(load_objective("qed"), 1000, cache=file).score(proposals(*smiles), 0)


def test_two_searches_may_use_it_at_once(tmp_path, smiles):
    file = tmp_path / "cache.sqlite"
    context = multiprocessing.get_context("fork")
    runs = [context.Process(target=_search, args=(file, smiles[begin : begin + 120])) for begin in (0, 60)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert [run.exitcode for run in runs] == [0, 0]
    assert len(ScoreCache(file, load_objective("qed")).get(smiles)) == 180


@pytest.mark.parametrize("content", [b"SMILES,score\nC,1\n" * 100, None])
def test_another_kind_of_file_is_refused(tmp_path, content):
    file = tmp_path / "cache.sqlite"
    file.mkdir() if content is None else file.write_bytes(content)
    with pytest.raises(DataError, match=r"cache\.sqlite: expected a cache of scores that can be read and written"):
        ScoreCache(file, load_objective("qed"))


@pytest.mark.parametrize("text", ['{"smiles": "C', "{}", "[]"])
def test_a_cache_with_a_damaged_evaluation_is_refused(tmp_path, text):
    file, objective = tmp_path / "cache.sqlite", load_objective("qed")
    cache = ScoreCache(file, objective)
    cache.add(objective.evaluate_batch(["C"]))
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("UPDATE evaluations SET evaluation = ?", (text,))
    with pytest.raises(DataError, match=r"cache\.sqlite: expected a cache of scores that can be read"):
        cache.get(["C"])


def test_a_cache_that_others_can_write_to_is_refused(counted, tmp_path):
    file = tmp_path / "scores.sqlite"
    file.touch()
    file.chmod(0o666)
    with pytest.raises(DataError, match="only you can write to"):
        ScoreCache(file, counted())


def test_shared_scores_between_failures_are_successes(tmp_path):
    """Some molecules fail, all others are known: nothing is wrong with the program."""
    (tmp_path / "picky.sh").write_text("while read s; do case $s in *N) echo no;; *) echo 0.5;; esac; done\n")
    spec = ObjectiveSpec.model_validate({"name": "picky", "terms": [{"command": "sh picky.sh"}]})
    batches = [[f"{'C' * n}O", f"{'C' * n}S", f"{'C' * n}N"] for n in range(1, 31)]
    for folder in ("first", "second"):
        oracle = Oracle(Objective(spec, tmp_path), 100, tmp_path / folder, cache=tmp_path / "cache.sqlite")
        for number, batch in enumerate(batches):
            assert [one.status for one in oracle.score(proposals(*batch), number)] == ["ok", "ok", "failed"]


def test_calls_that_were_made_without_the_cache_reach_it(counted, tmp_path):
    """As those of a search that was killed between its record and the cache."""
    Oracle(counted(), 3, tmp_path / "resume").score(proposals("CCO", "CCN"), 0)
    Oracle(counted(), 3, tmp_path / "resume", cache=tmp_path / "cache.sqlite")
    assert [one.smiles for one in ScoreCache(tmp_path / "cache.sqlite", counted()).get(["CCO", "CCN"])] == [
        "CCO",
        "CCN",
    ]


def test_calls_by_older_files_do_not_reach_the_cache(counted, tmp_path):
    Oracle(counted(), 3, tmp_path / "resume").score(proposals("CCO"), 0)
    identity = json.loads((tmp_path / "resume" / "objective.json").read_text())
    identity["files"] = dict.fromkeys(identity["files"], "0" * 64)
    (tmp_path / "resume" / "objective.json").write_text(json.dumps(identity))
    Oracle(counted(), 3, tmp_path / "resume", cache=tmp_path / "cache.sqlite")
    assert ScoreCache(tmp_path / "cache.sqlite", counted()).get(["CCO"]) == []
