"""Standardise, filter and split the input molecules.

With `prepare.shards` the conversion is distributed over that many jobs, which write to `prepare/resume/`; the final job
gathers the parts. That folder is undeclared, because Snakemake deletes declared outputs when a job fails.
"""


scattergather:
    prepare=SETTINGS.prepare.shards,


rule prepare_shard:
    input:
        molecules=PLAN.inputs,
        settings="results/{run}/config/prepare.yaml",
    output:
        temp(touch("results/{run}/shards/{scatteritem}.done")),
    log:
        "results/{run}/logs/prepare_shard/{scatteritem}.log",
    benchmark:
        "results/{run}/benchmarks/prepare_shard/{scatteritem}.tsv"
    conda:
        ENVIRONMENT
    threads: 4
    resources:
        mem_mb=megabytes(1000, 300),
        runtime=minutes(1440),
    params:
        shard=lambda wildcards: wildcards.scatteritem.replace("-of-", "/"),
        out=lambda wildcards, output: Path(output[0]).parents[1] / "prepare",
    shell:
        "molvae prepare --shard {params.shard:q} --out {params.out:q}"
        " --config {input.settings:q} --threads {threads} 2>&1 | tee -i {log:q}"


rule prepare:
    input:
        molecules=PLAN.inputs,
        shards=(
            gather.prepare("results/{{run}}/shards/{scatteritem}.done")
            if SETTINGS.prepare.shards > 1
            else []
        ),
        settings="results/{run}/config/prepare.yaml",
    output:
        molecules="results/{run}/prepare/molecules.parquet",
        rejected=report(
            "results/{run}/prepare/rejected.csv",
            caption="../report/rejected.rst",
            category="prepare",
            labels={"content": "rejected rows", "kind": "table"},
        ),
        vocabulary="results/{run}/prepare/vocabulary.json",
        summary="results/{run}/prepare/summary.json",
    log:
        "results/{run}/logs/prepare.log",
    benchmark:
        "results/{run}/benchmarks/prepare.tsv"
    conda:
        ENVIRONMENT
    threads: 16
    resources:
        mem_mb=megabytes(1000, 300),
        runtime=minutes(240),
    params:
        out=subpath(output.molecules, parent=True),
    shell:
        "molvae prepare --out {params.out:q}"
        " --config {input.settings:q} --threads {threads} 2>&1 | tee -i {log:q}"
