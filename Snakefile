"""Generate molecules that score higher: prepare, train, evaluate, sample, optimize, score, report.

snakemake --cores 8                                              # the demo
snakemake --cores 8 --configfile workflow/config/smoke.yaml      # a small run, in about a minute
snakemake --cores 8 --until train                                # up to a stage
"""

from snakemake.utils import min_version

min_version("9.10")


# Not merged with a user's own --configfile, so that a file means the same here as in `molvae STAGE --config FILE`.
if not workflow.configfiles:

    configfile: "workflow/config/demo.yaml"


report: "workflow/report/workflow.rst"


# Used only with --software-deployment-method apptainer: the image that `make molvae.sif` makes.
container: "molvae.sif"


include: "workflow/rules/common.smk"
include: "workflow/rules/resources.smk"
include: "workflow/rules/prepare.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/sample.smk"
include: "workflow/rules/optimize.smk"
include: "workflow/rules/propose.smk"
include: "workflow/rules/score.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/benchmark_runs.smk"
include: "workflow/rules/benchmark.smk"
include: "workflow/rules/messages.smk"


rule all:
    default_target: True
    input:
        f"results/{SETTINGS.run}/report.html",


# Neither runs in a dry run, or where there is nothing to do.
onstart:
    # A module that cannot be imported costs seconds here, and the training where the search would find it.
    if fault := import_fault(PLAN):
        print(fault, file=sys.stderr)
        sys.exit(2)
    print(announce(), file=sys.stderr)


onsuccess:
    print(conclude(), file=sys.stderr)


onerror:
    print(
        "molvae: stopped; see the lines 'molvae: error: ...' above. Run the same command again to resume; if the run was "
        "killed (kill -9, out of memory, power), run it once with --unlock and then with --rerun-incomplete",
        file=sys.stderr,
    )
