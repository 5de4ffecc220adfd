"""Choose the next plate, from a list or from what the model invents."""


rule propose:
    input:
        weights="results/{run}/train/model/model.safetensors",
        config="results/{run}/train/model/config.json",
        vocabulary="results/{run}/train/model/vocabulary.json",
        files=PLAN.plate,
        settings="results/{run}/config/propose.yaml",
    output:
        plate=report(
            "results/{run}/propose/plate.csv",
            caption="../report/plate.rst",
            category="propose",
            labels={"content": "next plate", "kind": "table"},
        ),
    log:
        "results/{run}/logs/propose.log",
    benchmark:
        "results/{run}/benchmarks/propose.tsv"
    conda:
        ENVIRONMENT
    threads: THREADS
    resources:
        gpu=gpus,
        processes=lambda wildcards, threads: max(threads, MIN_PROCESSES),
        mem_mb=megabytes(2000, 500),
        runtime=minutes(120),
    params:
        model=subpath(input.weights, parent=True),
    shell:
        "molvae propose {params.model:q} --out {output.plate:q} --config {input.settings:q}"
        " --threads {resources.processes} 2>&1 | tee -i {log:q}"
