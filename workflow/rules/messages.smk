"""What the run says on the terminal at its start and at its end."""

from molvae.estimate import JOBS, announcement, measured_run, n_input_molecules


def announce():
    """Return what the run will do, with estimated times; nothing where no stage runs, as in a benchmark."""
    jobs = [stage_and_objective(job) for job in workflow.dag.needrun_jobs()]
    if not any(jobs):
        return ""
    prepared = Path("results", SETTINGS.run, "prepare")
    is_prepared = ("prepare", "") not in jobs
    return announcement(
        SETTINGS,
        [job for job in jobs if job],
        n_input_molecules(SETTINGS, PLAN.inputs, prepared if is_prepared else None),
        measured_run(home() / "benchmarks" / "demo.json", SETTINGS),
        # On a cluster, where there is no common number, a job has the cores that its rule asks for.
        CORES or 8,
    )


def stage_and_objective(job):
    """Return the name of a job in `JOBS`, and its objective; None for one that takes no time worth naming."""
    name, wildcards = job.rule.name, dict(job.wildcards.items())
    what = wildcards.get("what", SAMPLE)
    if name == "score":
        name = "score_sample" if what == SAMPLE else "score_candidates"
    objective = wildcards.get("objective", "" if what == SAMPLE else what)
    return (name, objective) if name in JOBS else None


def conclude():
    """Return the answer of the run, from its files that are up to date; nothing where no stage was asked for."""
    from molvae.report.answer import answer

    if not any(stage_and_objective(job) for job in workflow.dag.jobs):
        return ""
    current = {str(file) for job in workflow.dag.jobs for file in job.output}
    return answer(Path("results", SETTINGS.run), OBJECTIVES, current)
