"""What all rule files share: the checked settings of this run, and how its commands are run."""

import re
import shlex
import sys
from pathlib import Path

from molvae.errors import MolvaeError
from molvae.preflight import SAMPLE, plan_run

# Before any job: a wrong setting, a missing file or a bad objective ends here, in one line.
try:
    PLAN = plan_run(config, ", ".join(str(file) for file in workflow.configfiles))
except MolvaeError as error:
    # Not a WorkflowError, which Snakemake prints with places in this file that say nothing to a user.
    print(f"molvae: error: {error}", file=sys.stderr)
    sys.exit(error.exit_status)

SETTINGS = PLAN.settings
# With the defaults filled in, for the captions of Snakemake's report.
config.update(SETTINGS.model_dump(mode="json"))
OBJECTIVES = list(PLAN.objectives)
BASELINES = OBJECTIVES if SETTINGS.optimize.baseline else []

# A GPU serves one job at a time, unless the command line or a profile says otherwise (--resources gpu=4).
workflow.global_resources.setdefault("gpu", 1)
# What a job that works with the model asks for.
GPUS = 0 if SETTINGS.device == "cpu" else 1

# `molvae` is found beside the Snakemake that runs this, also where no environment is activated; and OpenMP threads
# that wait for work sleep, because spinning is several times slower on a machine that is shared.
# Snakemake formats the prefix, so that braces in the path are doubled like its own.
BIN = (
    shlex.quote(str(Path(sys.executable).parent)).replace("{", "{{").replace("}", "}}")
)
shell.prefix(
    f'set -euo pipefail; export PATH={BIN}:"$PATH" '
    'OMP_WAIT_POLICY="${{OMP_WAIT_POLICY:-PASSIVE}}"; '
)


wildcard_constraints:
    run=re.escape(SETTINGS.run),
    stage="prepare|train|evaluate|sample|optimize|score|report",
    objective="|".join(re.escape(name) for name in OBJECTIVES),
    what="|".join(re.escape(name) for name in [SAMPLE, *OBJECTIVES]),


# Each stage is handed its own section only, so that an edit reruns that stage and what follows it.
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
