"""Train the model and choose its prior.

Snakemake deletes declared outputs when a job fails, so the checkpoint of an interrupted training is kept in
`train/resume/`, which is undeclared and removed when training is done.
"""


rule train:
    input:
        molecules="results/{run}/prepare/molecules.parquet",
        vocabulary="results/{run}/prepare/vocabulary.json",
        summary="results/{run}/prepare/summary.json",
        settings="results/{run}/config/train.yaml",
        base=PLAN.base,
    output:
        weights="results/{run}/train/model/model.safetensors",
        config="results/{run}/train/model/config.json",
        vocabulary="results/{run}/train/model/vocabulary.json",
        history="results/{run}/train/history.csv",
    log:
        "results/{run}/logs/train.log",
    benchmark:
        "results/{run}/benchmarks/train.tsv"
    conda:
        ENVIRONMENT
    threads: 8
    resources:
        gpu=gpus,
        # More than one are started by torchrun: this many on each of this many machines. See docs/cluster.md.
        processes=1,
        nodes=1,
        mem_mb=megabytes(4000, 300),
        runtime=minutes(1440),
    params:
        # A function of the resources, so that a model is not trained again because of another number of processes.
        launcher=lambda wildcards, threads, resources: launcher(
            resources.processes, resources.nodes, threads
        ),
        prepared=subpath(input.molecules, parent=True),
        out=subpath(output.history, parent=True),
    shell:
        "{params.launcher} molvae train {params.prepared:q} --out {params.out:q}"
        " --config {input.settings:q} --threads {threads} 2>&1 | tee -i {log:q}"
