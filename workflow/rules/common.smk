"""Shared by all rule files: the validated settings of this run, and the environment of its commands."""

import re
import shlex
import sys
from pathlib import Path

from molvae.errors import MolvaeError
from molvae.preflight import SAMPLE, import_fault, plan_run
from molvae.project import home

# Before any job: an invalid setting, a missing file or an invalid objective ends the run here, in one line.
try:
    PLAN = plan_run(config, ", ".join(str(file) for file in workflow.configfiles))
except MolvaeError as error:
    # Not a WorkflowError, which Snakemake prints with lines of this file that mean nothing to a user.
    print(f"molvae: error: {error}", file=sys.stderr)
    sys.exit(error.exit_status)

SETTINGS = PLAN.settings
# Including the defaults, for the captions of Snakemake's report.
config.update(SETTINGS.model_dump(mode="json"))
OBJECTIVES = list(PLAN.objectives)
# The next plate, where one is asked for.
PLATES = ["propose/plate.csv"] if PLAN.plate else []
BASELINES = PLAN.baselines
# The search with the run's own seed is the one whose candidates are scored; these are for the spread.
FURTHER_SEEDS = sorted({*SETTINGS.optimize.seeds} - {SETTINGS.seed})

# On this machine a GPU serves one job at a time, unless the command line or a profile says otherwise (--resources gpu=4).
if workflow.is_main_process:
    workflow.global_resources.setdefault("gpu", 1)
# Stages that do not wait for one another run two at a time. On this machine each has a process for every core: what one
# leaves idle, while it loads its model or at its end, the other uses. On a cluster, and where the number of cores is not
# known, a job requests four.
CORES = workflow.resource_settings.cores if workflow.is_main_process else None
IS_LOCAL = bool(CORES) and workflow.local_exec
THREADS = min(8, max(1, CORES // 2)) if IS_LOCAL else 4
MIN_PROCESSES = min(16, CORES) if IS_LOCAL else 1
# The priority of the longest chains of jobs, the search and the samples with their scores: what is left for the end is
# short, or uses all cores.
FIRST = 1

# Use the `molvae` installed next to this Snakefile, even if no environment is activated; a conda environment or a
# container brings its own. Idle OpenMP threads sleep, because spinning is several times slower on a shared machine.
# Snakemake formats the prefix, so braces are doubled.
BIN = (
    shlex.quote(str(Path(sys.executable).parent)).replace("{", "{{").replace("}", "}}")
)
IS_DEPLOYED = bool(workflow.deployment_settings.deployment_method)
# The conda environment that environment.yml makes. Snakemake looks for a named one even if it is not to use it.
ENVIRONMENT = "molvae-workflow" if IS_DEPLOYED else None
shell.prefix(
    "set -euo pipefail; "
    + ("" if IS_DEPLOYED else f'export PATH={BIN}:"$PATH"; ')
    + 'export OMP_WAIT_POLICY="${{OMP_WAIT_POLICY:-PASSIVE}}"; '
)


wildcard_constraints:
    run=re.escape(SETTINGS.run),
    stage="prepare|train|evaluate|sample|optimize|propose|score|report",
    objective="|".join(re.escape(name) for name in OBJECTIVES),
    further_seed=r"\d+",
    what="|".join(re.escape(name) for name in [SAMPLE, *OBJECTIVES]),


# Each stage receives only its own section, so that an edit reruns that stage and the stages that depend on it.
localrules:
    settings,


rule settings:
    output:
        "results/{run}/config/{stage}.yaml",
    log:
        "results/{run}/logs/config/{stage}.log",
    params:
        section=lambda wildcards: PLAN.section(wildcards.stage),
    shell:
        "printf '%s' {params.section:q} > {output:q} 2> {log:q}"
