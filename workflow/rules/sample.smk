"""Sample new molecules from the prior of the model."""


rule sample:
    input:
        weights="results/{run}/train/model/model.safetensors",
        config="results/{run}/train/model/config.json",
        vocabulary="results/{run}/train/model/vocabulary.json",
        settings="results/{run}/config/sample.yaml",
    output:
        samples="results/{run}/sample/samples.csv",
        summary="results/{run}/sample/summary.json",
    log:
        "results/{run}/logs/sample.log",
    benchmark:
        "results/{run}/benchmarks/sample.tsv"
    priority: FIRST
    conda:
        ENVIRONMENT
    threads: THREADS
    resources:
        gpu=gpus,
        processes=lambda wildcards, threads: max(threads, MIN_PROCESSES),
        mem_mb=megabytes(3000, 300),
        runtime=minutes(120),
    params:
        model=subpath(input.weights, parent=True),
    shell:
        "molvae sample {params.model:q} --out {output.samples:q} --summary {output.summary:q}"
        " --config {input.settings:q} --threads {resources.processes} 2>&1 | tee -i {log:q}"
