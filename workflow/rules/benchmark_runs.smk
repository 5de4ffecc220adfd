"""The searches of the benchmark of search strategies, for benchmark.smk."""

BENCHMARK = Path("results/benchmark_optimize")
SCRIPT = home() / "benchmarks" / "optimize.py"


# Only these jobs need the list of searches, which is not part of an installed package.
def benchmark_runs():
    """Return the searches of the benchmark by the names of their records."""
    sys.path.insert(0, str(SCRIPT.parent))
    from optimize_plan import Plan

    return {run.name: run for run in Plan.read().runs()}


def benchmark_run(wildcards):
    """Return a search of the benchmark."""
    return benchmark_runs()[f"{wildcards.label}/{wildcards.task}/seed-{wildcards.seed}"]
