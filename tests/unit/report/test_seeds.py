"""A search that was run with several seeds."""

import shutil
from dataclasses import replace

from molvae.report.best import seed_spread
from molvae.report.cautions import model_cautions
from molvae.report.figures import optimization
from molvae.report.run_data import load_optimization


def test_further_seeds_are_read_and_their_spread_is_told(own_folder, run):
    optimized = own_folder / "optimize" / "demo"
    for seed in (2, 10):
        shutil.copytree(optimized / "baseline", optimized / f"seed-{seed}")
    result = load_optimization(own_folder, "demo")
    assert list(result.further) == [2, 10]
    assert seed_spread(result).startswith("Over 3 seeds, the mean score of the ten best new molecules is ")
    (specification,) = optimization(result).specifications()
    curves = {row["curve"] for rows in specification["datasets"].values() for row in rows if "curve" in row}
    assert {"seed 2: ten best", "seed 10: ten best"} <= curves
    repeated = replace(run, optimizations=(result,))
    assert "The model and its samples come from a single seed" in model_cautions(repeated, {})[-1]


def test_curves_of_many_seeds_are_drawn(run):
    (result,) = run.optimizations
    n = 3000
    trace = result.search.trace.iloc[[0] * n].assign(call=range(1, n + 1), score=[row / n for row in range(n)])
    search = replace(result.search, trace=trace.assign(feasible=True).reset_index(drop=True))
    (specification,) = optimization(replace(result, search=search, further={2: search, 3: search})).specifications()
    assert max(len(rows) for rows in specification["datasets"].values()) > 5000


def test_a_folder_of_another_name_is_no_seed(own_folder):
    optimized = own_folder / "optimize" / "demo"
    for name in ("seed-2", "seed-2-backup"):
        shutil.copytree(optimized / "baseline", optimized / name)
    assert list(load_optimization(own_folder, "demo").further) == [2]


def test_a_single_seed_has_no_spread(run):
    assert seed_spread(run.optimizations[0]) == ""


def test_seeds_are_compared_over_equally_many_molecules(run):
    (result,) = run.optimizations
    trace = result.search.trace
    few = replace(result.search, trace=trace.assign(feasible=lambda table: table["call"].isin([30, 31, 32])))
    assert "2 seeds, the mean score of the 3 best new molecules is" in seed_spread(replace(result, further={2: few}))


def test_seeds_that_found_nothing_are_told_apart(run):
    (result,) = run.optimizations
    nothing = replace(result.search, trace=result.search.trace.assign(feasible=False))
    found = seed_spread(replace(result, further={2: nothing, 3: result.search}))
    assert found.startswith(
        "In 1 of 3 seeds, no new molecule satisfies the constraints. Over the other 2 seeds, the mean score"
    )
    assert (
        seed_spread(replace(result, further={2: nothing}))
        == "In 1 of 2 seeds, no new molecule satisfies the constraints."
    )
    nowhere = replace(result, search=nothing, further={2: nothing})
    assert seed_spread(nowhere) == "In 2 of 2 seeds, no new molecule satisfies the constraints."
