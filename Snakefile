"""From a list of molecules to better ones: prepare, train, evaluate, sample, optimize, score, report.

snakemake --cores 8                                              # the demo
snakemake --cores 8 --configfile workflow/config/smoke.yaml      # the same in about a minute, small
snakemake --cores 8 --until train                                # up to a stage
"""

from snakemake.utils import min_version

min_version("9.10")


# Not layered under a study's own --configfile, so that this means the same here as in `molvae VERB --config FILE`.
if not workflow.configfiles:

    configfile: "workflow/config/demo.yaml"


report: "workflow/report/workflow.rst"


# Looked at only where containers are asked for (--software-deployment-method apptainer): an image with molvae inside.
container: "molvae.sif"


include: "workflow/rules/common.smk"
include: "workflow/rules/prepare.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/sample.smk"
include: "workflow/rules/optimize.smk"
include: "workflow/rules/score.smk"
include: "workflow/rules/report.smk"


rule all:
    default_target: True
    input:
        f"results/{SETTINGS.run}/report.html",


onstart:
    print(
        f"molvae: run {SETTINGS.run}; the report will be results/{SETTINGS.run}/report.html",
        file=sys.stderr,
    )


onsuccess:
    print(
        f"molvae: done; open results/{SETTINGS.run}/report.html in a browser",
        file=sys.stderr,
    )


onerror:
    print(
        "molvae: stopped; the lines 'molvae: error: ...' above say why. The same command goes on; if it was killed "
        "without a word (kill -9, out of memory, power), use it once with --unlock, and then with --rerun-incomplete",
        file=sys.stderr,
    )
