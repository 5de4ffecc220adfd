"""Settings that try to break out of the shell command that hands them to a stage."""

import yaml

from tests.workflow.test_workflow import make_folder, snakemake

HOSTILE = "'; touch pwned; echo '$(touch pwned)`touch pwned`\" && touch pwned # {wildcards} {{x}} %s \\"


def test_hostile_settings_reach_the_stage_as_they_are(tmp_path):
    folder = make_folder(tmp_path)
    settings = {"run": "x", "report": {"title": HOSTILE}, "prepare": {"smiles_column": HOSTILE}}
    (folder / "study.yaml").write_text(yaml.safe_dump(settings))
    target = "results/x/config/prepare.yaml"
    run = snakemake(folder, "--configfile", "study.yaml", "--", target, "results/x/config/report.yaml")
    assert run.returncode == 0, run.stdout + run.stderr
    assert yaml.safe_load((folder / target).read_text())["prepare"]["smiles_column"] == HOSTILE
    assert yaml.safe_load((folder / "results/x/config/report.yaml").read_text())["report"]["title"] == HOSTILE
    assert not list(folder.rglob("pwned*"))
