"""Summarise the run on one page, with the provenance of every number."""


rule report:
    input:
        expand(
            "results/{{run}}/prepare/{file}",
            file=["molecules.parquet", "rejected.csv", "summary.json"],
        ),
        expand(
            "results/{{run}}/train/{file}", file=["model/config.json", "history.csv"]
        ),
        expand(
            "results/{{run}}/evaluate/{file}",
            file=["metrics.json", "latent_map.parquet", "reconstructions.csv"],
        ),
        "results/{run}/sample/samples.csv",
        expand("results/{{run}}/{file}", file=PLATES),
        expand(
            "results/{{run}}/optimize/{run_of_objective}/{file}",
            run_of_objective=[
                *OBJECTIVES,
                *(f"{name}/baseline" for name in BASELINES),
                *(
                    f"{name}/seed-{seed}"
                    for name in OBJECTIVES
                    for seed in FURTHER_SEEDS
                ),
            ],
            file=[
                "trace.parquet",
                "times.csv",
                "candidates.csv",
                "latent_map.parquet",
                "summary.json",
            ],
        ),
        expand(
            "results/{{run}}/score/{what}/{file}",
            what=[SAMPLE, *OBJECTIVES],
            file=["metrics.json", "molecules.csv"],
        ),
        settings="results/{run}/config/report.yaml",
    output:
        page=report(
            "results/{run}/report.html",
            caption="../report/report.rst",
            category="report",
        ),
        provenance="results/{run}/provenance.json",
        training=report(
            "results/{run}/report/figures/training.svg",
            caption="../report/training.rst",
            category="train",
            labels={"content": "training curves", "kind": "figure"},
        ),
        latent_map=report(
            "results/{run}/report/figures/latent_map.html",
            caption="../report/latent_map.rst",
            category="evaluate",
            labels={"content": "map of the latent space", "kind": "figure"},
        ),
        latent_space=report(
            "results/{run}/report/figures/latent_space.svg",
            caption="../report/latent_space.rst",
            category="evaluate",
            labels={"content": "latent space metrics", "kind": "figure"},
        ),
        reconstructions=report(
            "results/{run}/report/figures/reconstructions.html",
            caption="../report/reconstructions.rst",
            category="evaluate",
            labels={"content": "reconstructions", "kind": "figure"},
        ),
        samples=report(
            "results/{run}/report/figures/samples.html",
            caption="../report/samples.rst",
            category="sample",
            labels={"content": "samples", "kind": "figure"},
        ),
        properties=report(
            "results/{run}/report/figures/properties.svg",
            caption="../report/properties.rst",
            category="score",
            labels={"content": "property distributions", "kind": "figure"},
        ),
        searches=[
            report(
                f"results/{{run}}/report/figures/optimization_{name}.svg",
                caption="../report/optimization.rst",
                category="optimize",
                labels={"objective": name, "content": "best scores", "kind": "figure"},
            )
            for name in OBJECTIVES
        ],
        candidates=[
            report(
                f"results/{{run}}/report/figures/candidates_{name}.html",
                caption="../report/candidates_drawn.rst",
                category="optimize",
                labels={"objective": name, "content": "candidates", "kind": "figure"},
            )
            for name in OBJECTIVES
        ],
    log:
        "results/{run}/logs/report.log",
    benchmark:
        "results/{run}/benchmarks/report.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=megabytes(2000, 0),
        runtime=minutes(30),
    params:
        run_folder=subpath(output.page, parent=True),
    shell:
        "molvae report {params.run_folder:q} --config {input.settings:q} 2>&1 | tee -i {log:q}"
