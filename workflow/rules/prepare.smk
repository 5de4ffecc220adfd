"""Molecule files in; standardised, filtered and split molecules out."""


rule prepare:
    input:
        molecules=SETTINGS.prepare.input,
        test=SETTINGS.prepare.test_input or [],
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
    threads: 16
    resources:
        mem_mb=8000,
        runtime=240,
    params:
        out=subpath(output.molecules, parent=True),
        test=lambda wildcards, input: ["--test", input.test] if input.test else [],
    shell:
        "molvae prepare {input.molecules:q} {params.test:q} --out {params.out}"
        " --config {input.settings} --threads {threads} 2>&1 | tee -i {log}"
