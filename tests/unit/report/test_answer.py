import shutil
from pathlib import Path

import pytest

from molvae.report.answer import answer
from molvae.report.numerals import number
from molvae.report.searches import new_top_mean
from tests.fixtures.run_folder import build_run_folder

REPORT = "open {folder}/report.html in a browser"


def files_of(folder: Path) -> set[str]:
    """Return all files of the run and its report, as after a whole run."""
    return {str(path) for path in [*folder.rglob("*"), folder / "report.html"]}


def test_the_answer_gives_the_best_molecules_what_they_are_compared_with_and_the_report(run_folder, run):
    text = answer(run_folder, ["demo"], files_of(run_folder))
    (result,) = run.optimizations
    best = result.candidates.iloc[0]
    assert f"{number(best['score'], 3)}  {best['smiles']}" in text
    flat = " ".join(text.split())
    assert f"a mean score of {number(new_top_mean(result.search.trace, 10), 3)}, compared with" in flat
    assert "training molecules" in flat
    assert "random sample" in flat
    assert "20 new molecules are proposed as candidates, of which" in flat
    assert str(run_folder / "optimize/demo/candidates.csv") in text
    assert text.endswith(REPORT.format(folder=run_folder))


def test_files_that_are_not_up_to_date_are_left_out(run_folder):
    current = {file for file in files_of(run_folder) if "/baseline/" not in file and "/score/" not in file}
    text = answer(run_folder, ["demo"], current - {str(run_folder / "report.html")})
    assert "random sample" not in text
    assert "filters" not in text
    assert "report.html" not in text
    assert text.endswith(f"results are in {run_folder}/")


def test_before_any_search_there_is_no_answer_yet(run_folder):
    current = {file for file in files_of(run_folder) if "/train/" in file}
    assert answer(run_folder, ["demo"], current) == f"molvae: done; results are in {run_folder}/"


def test_each_objective_has_its_answer(tmp_path):
    folder = build_run_folder(tmp_path, ("demo", "soluble_amide"), baseline=False)
    text = answer(folder, ["demo", "soluble_amide"], files_of(folder))
    assert "molvae: demo\n" in text
    assert "molvae: soluble amide\n" in text
    assert "random sample" not in text


def test_an_unreadable_result_is_a_warning_because_the_run_itself_is_done(own_folder):
    current = files_of(own_folder)
    (own_folder / "optimize/demo/trace.parquet").unlink()
    text = answer(own_folder, ["demo"], current)
    assert "molvae: warning: " in text
    assert "trace.parquet" in text
    assert text.endswith(REPORT.format(folder=own_folder))


@pytest.mark.parametrize("n_left", [0, 1])
def test_few_candidates_or_none_are_no_fault(own_folder, n_left):
    file = own_folder / "optimize/demo/candidates.csv"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines[: 1 + n_left]))
    shutil.rmtree(own_folder / "score")
    text = answer(own_folder, ["demo"], files_of(own_folder))
    assert f"{n_left} new molecule{'' if n_left else 's'} " in " ".join(text.split())
    assert ("The best of" in text) == bool(n_left)
