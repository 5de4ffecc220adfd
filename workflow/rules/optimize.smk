"""Search for molecules with high objective scores, and spend the same budget on random samples for comparison.

All oracle calls so far are kept in an undeclared `resume/` folder, so that an interrupted search can be resumed.
"""


rule optimize:
    input:
        molecules="results/{run}/prepare/molecules.parquet",
        weights="results/{run}/train/model/model.safetensors",
        config="results/{run}/train/model/config.json",
        vocabulary="results/{run}/train/model/vocabulary.json",
        objective=lambda wildcards: PLAN.objectives[wildcards.objective].files,
        settings="results/{run}/config/optimize.yaml",
    output:
        trace="results/{run}/optimize/{objective}/trace.parquet",
        times="results/{run}/optimize/{objective}/times.csv",
        candidates=report(
            "results/{run}/optimize/{objective}/candidates.csv",
            caption="../report/candidates.rst",
            category="optimize",
            labels={
                "objective": "{objective}",
                "content": "candidates",
                "kind": "table",
            },
        ),
        structures="results/{run}/optimize/{objective}/candidates.sdf",
        latent_map="results/{run}/optimize/{objective}/latent_map.parquet",
        summary="results/{run}/optimize/{objective}/summary.json",
    log:
        "results/{run}/logs/optimize_{objective}.log",
    benchmark:
        "results/{run}/benchmarks/optimize_{objective}.tsv"
    priority: FIRST
    conda:
        ENVIRONMENT
    threads: THREADS
    resources:
        gpu=gpus,
        processes=lambda wildcards, threads: max(threads, MIN_PROCESSES),
        mem_mb=megabytes(3000, 300),
        runtime=minutes(1440),
    params:
        objective=lambda wildcards: PLAN.objectives[wildcards.objective].source,
        model=subpath(input.weights, parent=True),
        prepared=subpath(input.molecules, parent=True),
        out=subpath(output.trace, parent=True),
        overrides=[],
    shell:
        "molvae optimize {params.model:q} --reference {params.prepared:q} --objective {params.objective:q}"
        " --out {params.out:q} --config {input.settings:q} {params.overrides:q} --threads {resources.processes} 2>&1 | tee -i {log:q}"


use rule optimize as optimize_baseline with:
    output:
        trace="results/{run}/optimize/{objective}/baseline/trace.parquet",
        times="results/{run}/optimize/{objective}/baseline/times.csv",
        candidates="results/{run}/optimize/{objective}/baseline/candidates.csv",
        structures="results/{run}/optimize/{objective}/baseline/candidates.sdf",
        latent_map="results/{run}/optimize/{objective}/baseline/latent_map.parquet",
        summary="results/{run}/optimize/{objective}/baseline/summary.json",
    log:
        "results/{run}/logs/optimize_baseline_{objective}.log",
    benchmark:
        "results/{run}/benchmarks/optimize_baseline_{objective}.tsv"
    priority: 0
    params:
        # Both searches share the training set, so it is scored only once; random samples start from nothing.
        overrides=[
            "--set",
            "optimize.strategy=random",
            "--set",
            "optimize.start=random",
            "--set",
            "optimize.compare_training=false",
        ],


use rule optimize as optimize_seed with:
    output:
        trace="results/{run}/optimize/{objective}/seed-{further_seed}/trace.parquet",
        times="results/{run}/optimize/{objective}/seed-{further_seed}/times.csv",
        candidates="results/{run}/optimize/{objective}/seed-{further_seed}/candidates.csv",
        structures="results/{run}/optimize/{objective}/seed-{further_seed}/candidates.sdf",
        latent_map="results/{run}/optimize/{objective}/seed-{further_seed}/latent_map.parquet",
        summary="results/{run}/optimize/{objective}/seed-{further_seed}/summary.json",
    log:
        "results/{run}/logs/optimize_{objective}_seed-{further_seed}.log",
    benchmark:
        "results/{run}/benchmarks/optimize_{objective}_seed-{further_seed}.tsv"
    priority: 0
    params:
        # The training set is scored once, by the search with the run's own seed.
        overrides=lambda wildcards: [
            "--set",
            f"seed={wildcards.further_seed}",
            "--set",
            "optimize.compare_training=false",
        ],
