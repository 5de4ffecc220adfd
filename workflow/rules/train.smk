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
    threads: 8
    resources:
        gpu=GPUS,
        mem_mb=16000,
        runtime=1440,
    params:
        prepared=subpath(input.molecules, parent=True),
        out=subpath(output.history, parent=True),
    shell:
        "molvae train {params.prepared} --out {params.out}"
        " --config {input.settings} --threads {threads} 2>&1 | tee -i {log}"
