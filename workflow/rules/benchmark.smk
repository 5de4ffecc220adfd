"""Compare the search strategies on PMO's tasks: `snakemake benchmark_optimize`, no part of a run.

The searches are listed in benchmarks/optimize.yaml. Each is a job of its own and can be resumed; their records and the
tables are in results/benchmark_optimize/.
"""


rule benchmark_optimize:
    input:
        lambda wildcards: [BENCHMARK / f"{name}.json" for name in benchmark_runs()],
    output:
        tables=BENCHMARK / "tables.md",
        curves=BENCHMARK / "curves.svg",
    log:
        BENCHMARK / "logs" / "tables.log",
    conda:
        ENVIRONMENT
    params:
        script=SCRIPT,
        folder=subpath(output.tables, parent=True),
    shell:
        "python {params.script:q} table {params.folder:q} --chart {output.curves:q} > {output.tables:q} 2> {log:q}"


rule benchmark_search:
    output:
        BENCHMARK / "{label}" / "{task}" / "seed-{seed}.json",
    log:
        BENCHMARK / "logs" / "{label}_{task}_{seed}.log",
    wildcard_constraints:
        label=r"[\w.-]+",
        task=r"\w+",
        seed=r"\d+",
    conda:
        ENVIRONMENT
    resources:
        mem_mb=megabytes(4000, 0),
        runtime=minutes(240),
    params:
        script=SCRIPT,
        out=BENCHMARK,
        run=lambda wildcards: benchmark_run(wildcards).arguments,
    shell:
        "python {params.script:q} one {params.run:q} --out {params.out:q} 2>&1 | tee -i {log:q}"
