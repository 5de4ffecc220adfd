"""Score the samples and the candidates of each objective against the reference splits."""


rule score:
    input:
        generated=lambda wildcards: (
            f"results/{wildcards.run}/sample/samples.csv"
            if wildcards.what == SAMPLE
            else f"results/{wildcards.run}/optimize/{wildcards.what}/candidates.csv"
        ),
        molecules="results/{run}/prepare/molecules.parquet",
        weights="results/{run}/train/model/model.safetensors",
        config="results/{run}/train/model/config.json",
        vocabulary="results/{run}/train/model/vocabulary.json",
        settings="results/{run}/config/score.yaml",
    output:
        metrics="results/{run}/score/{what}/metrics.json",
        molecules="results/{run}/score/{what}/molecules.csv",
        sdf="results/{run}/score/{what}/molecules.sdf",
        # Not the folder, which Snakemake would remove with whatever else is in it.
        figures=expand(
            "results/{{run}}/score/{{what}}/figures/{chart}.svg",
            chart=["properties", "similarity", "scaffolds", "alerts"],
        ),
    log:
        "results/{run}/logs/score_{what}.log",
    benchmark:
        "results/{run}/benchmarks/score_{what}.tsv"
    priority: FIRST
    conda:
        ENVIRONMENT
    threads: THREADS
    resources:
        gpu=gpus,
        processes=lambda wildcards, threads: max(threads, MIN_PROCESSES),
        mem_mb=megabytes(4000, 300),
        runtime=minutes(240),
    params:
        prepared=subpath(input.molecules, parent=True),
        model=subpath(input.weights, parent=True),
        out=subpath(output.metrics, parent=True),
    shell:
        "molvae score {input.generated:q} --reference {params.prepared:q} --model {params.model:q} --out {params.out:q}"
        " --config {input.settings:q} --threads {resources.processes} 2>&1 | tee -i {log:q}"
