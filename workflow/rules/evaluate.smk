"""Evaluate the model on held-out molecules."""


rule evaluate:
    input:
        molecules="results/{run}/prepare/molecules.parquet",
        weights="results/{run}/train/model/model.safetensors",
        config="results/{run}/train/model/config.json",
        vocabulary="results/{run}/train/model/vocabulary.json",
        settings="results/{run}/config/evaluate.yaml",
    output:
        metrics="results/{run}/evaluate/metrics.json",
        latent_map="results/{run}/evaluate/latent_map.parquet",
        reconstructions="results/{run}/evaluate/reconstructions.csv",
    log:
        "results/{run}/logs/evaluate.log",
    benchmark:
        "results/{run}/benchmarks/evaluate.tsv"
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
        prepared=subpath(input.molecules, parent=True),
        out=subpath(output.metrics, parent=True),
    shell:
        "molvae evaluate {params.model:q} --reference {params.prepared:q} --out {params.out:q}"
        " --config {input.settings:q} --threads {resources.processes} 2>&1 | tee -i {log:q}"
