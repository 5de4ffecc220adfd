"""The container and the conda environment have the versions that were tested together, and so agree."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PINNED = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().split())


def container() -> tuple[str, str]:
    """Return the Python and the extras of the image, which is installed under the constraints."""
    text = (ROOT / "Containerfile").read_text()
    [python] = re.findall(r"^FROM python:([\d.]+)-slim$", text, flags=re.MULTILINE)
    [extras] = re.findall(r'^RUN pip install .*--constraint constraints.txt "\.\[(.*)\]"$', text, flags=re.MULTILINE)
    return python, extras


def conda() -> tuple[str, str]:
    """Return the Python and the extras of the environment, which is installed under the constraints."""
    python, _, pip = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    constraint, package = pip["pip"]
    assert constraint == "--constraint constraints.txt"
    [extras] = re.findall(r"^--editable \.\[(.*)\]$", package)
    return python.removeprefix("python="), extras


def test_the_container_and_the_conda_environment_agree():
    assert container() == conda()


def test_their_python_is_one_that_molvae_is_tested_with():
    tested = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"]["check-and-test"]["strategy"]
    assert container()[0] in tested["matrix"]["python"]


def test_they_have_every_extra_but_that_of_developers():
    assert {*container()[1].split(","), "dev"} == set(PROJECT["optional-dependencies"])


@pytest.mark.parametrize("extra", ["", *PROJECT["optional-dependencies"]])
def test_every_dependency_is_pinned_to_a_version_that_is_allowed(extra):
    names = PROJECT["optional-dependencies"][extra] if extra else PROJECT["dependencies"]
    for requirement in map(Requirement, names):
        if requirement.name != PROJECT["name"]:
            version = PINNED[canonicalize_name(requirement.name)]
            assert requirement.specifier.contains(version), requirement


def test_the_image_and_the_environment_are_those_that_the_rules_name():
    assert 'container: "molvae.sif"' in (ROOT / "Snakefile").read_text()
    assert "\nmolvae.sif: " in (ROOT / "Makefile").read_text()
    name = yaml.safe_load((ROOT / "environment.yml").read_text())["name"]
    assert f'ENVIRONMENT = "{name}" if' in (ROOT / "workflow/rules/common.smk").read_text()
    # Snakemake would take a folder of this name for the environment.
    assert not (ROOT / name).exists()


@pytest.mark.parametrize("file", sorted((ROOT / "workflow/rules").glob("*.smk")), ids=lambda file: file.stem)
def test_every_rule_that_runs_molvae_runs_it_in_the_environment(file):
    # A rule that begins with `use` takes over all but what it names.
    _, *rules = re.split(r"^rule (?=\w+:$)", file.read_text(), flags=re.MULTILINE)
    for rule in rules:
        if re.search(r'^ +"(?:\{params\.launcher\} )?(?:molvae|python) ', rule, flags=re.MULTILINE):
            assert "    conda:\n        ENVIRONMENT\n" in rule, rule.partition(":")[0]


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="needs a clone, found none")
def test_the_image_is_made_again_where_what_it_copies_has_changed():
    command = ["make", "-C", str(ROOT), "--question", "--print-data-base", "molvae.tar"]
    made = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout
    [needed] = re.findall(r"^molvae\.tar: (.*)$", made, flags=re.MULTILINE)
    for line in re.findall(r"^COPY (.*) \S+$", (ROOT / "Containerfile").read_text(), flags=re.MULTILINE):
        for name in line.split():
            files = subprocess.run(
                ["git", "ls-files", name], cwd=ROOT, capture_output=True, text=True, check=True
            ).stdout
            assert {*files.split()} <= {*needed.split()}, name


def test_every_file_that_the_image_copies_is_there():
    for line in re.findall(r"^COPY (.*) \S+$", (ROOT / "Containerfile").read_text(), flags=re.MULTILINE):
        assert all((ROOT / name).exists() for name in line.split())
