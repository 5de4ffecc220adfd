"""A new project: a config and an objective that fit the data, with a comment at each setting."""

import math
import os
import re
import shlex
import shutil
from pathlib import Path

import yaml

from molvae.data_look import ENOUGH_TO_TRAIN, SMALL, DataLook
from molvae.errors import ConfigError, DataError
from molvae.project import lay
from molvae.text import one_line

CONFIG, OBJECTIVE = "config.yaml", "objective.yaml"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def create(folder: Path, look: DataLook) -> None:
    """Write the project's config and objective, and what Snakemake needs to run it.

    Raises:
        ConfigError: If the folder's name cannot be that of a run.
        DataError: If there is something of this name already, or it cannot be written.
    """
    name = folder.resolve().name
    data = path_from(folder, look.path)
    write_project(folder, {CONFIG: config_text(look, name, data), OBJECTIVE: objective_text(look, name, data)})


def write_project(folder: Path, texts: dict[str, str]) -> None:
    """Write the files of a project, and what Snakemake needs to run it, whole or not at all.

    Args:
        folder: The project's folder, whose name is that of the run.
        texts: Of each file, its name and content.

    Raises:
        ConfigError: If the folder's name cannot be that of a run.
        DataError: If there is something of this name already, or it cannot be written.
    """
    name = folder.resolve().name
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"{folder}: expected a name of letters, digits, dots, dashes and underscores, which is also that of the "
            f"run, found {name!r}"
        )
    if folder.exists():
        raise DataError(f"{folder}: expected nothing of this name, found something; nothing was changed, give another")
    # A folder of this name is taken for a whole project, also where this process is killed.
    temporary = folder.with_name(f".{name}.{os.getpid()}.partial")
    try:
        temporary.mkdir(parents=True)
        for file, text in texts.items():
            (temporary / file).write_text(text, encoding="utf-8")
        lay(temporary)
        temporary.rename(folder)
    except OSError as error:
        raise DataError(f"{folder}: expected a writable folder, found otherwise ({error.strerror})") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def path_from(folder: Path, path: Path) -> str:
    """Return the relative path of a file from a folder, also where the folder is, or will be, behind a link."""
    return os.path.relpath(path.absolute(), folder.resolve())


def next_commands(folder: Path, cores: int) -> list[str]:
    """Return the commands that run the project, to be typed one after the other."""
    settings = f" --configfile {CONFIG}" if (folder / CONFIG).exists() else ""
    return [f"cd {shlex.quote(str(folder))}", f"snakemake --cores {cores}{settings}"]


def config_text(look: DataLook, name: str, data: str) -> str:
    """Return the config of a run.

    Args:
        look: What the data have.
        name: Name of the run.
        data: Path of the data from the project's folder.
    """
    return f"""\
# {name}: made by `molvae new` for {one_line(look.path.name)}, {look.n_rows:,} rows.
# Every other setting has its default: molvae/config.py lists all of them, with what each is for.

# Results go to results/{name}/.
{named("run", name)}

prepare:
  # Paths are those from the folder of this file, where the commands are run.
  input: [{quoted(data)}]
{columns_text(look)}{_splits(look)}
{_training(look)}
sample:
  n: {10_000 if look.n_rows >= ENOUGH_TO_TRAIN else 2_000}

optimize:
  # Files, or names of built-in objectives (`molvae objective --list`).
  objectives: [{OBJECTIVE}]
  # Scored molecules: more take longer, and give better candidates.
  budget: 1000

report:
  title: {quoted(f"Molecules like those of {look.path.name}")}
"""


def columns_text(look: DataLook) -> str:
    """Return the settings of `prepare` that name the columns, one a line."""
    lines = []
    if look.smiles_column is not None:
        lines.append(f"smiles_column: {quoted(look.smiles_column)}")
    if look.id_column is not None:
        lines.append(f"id_column: {quoted(look.id_column)}")
    if look.measured:
        lines += ["# Measured columns to carry along; write the unit of each between its quotes.", "properties:"]
        lines += [f"  {quoted(key)}: '' # {low:g} to {high:g}" for key, (low, high) in look.measured.items()]
    return "".join(f"  {line}\n" for line in lines)


def _splits(look: DataLook) -> str:
    return "  validation_fraction: 0.1\n  test_fraction: 0.1\n" if look.n_rows < SMALL else ""


def _training(look: DataLook) -> str:
    models = "\n".join(f"  # {look.model_text(name)}." for name in look.unread)
    if look.base is None:
        return f"""\
train:
  # A model of these molecules alone; `init_from: zinc250k`, for one, trains a model that comes with molvae further.
{models}
  epochs: 10
  # Stop when the next epoch would end after this many minutes.
  # max_minutes: 60
"""
    is_small = look.n_rows < SMALL
    return f"""\
train:
  # The model to train further.
{models}
  init_from: {look.base}
  # Fraction of the training molecules that it generates itself, so that it does not forget what it knows.
  replay: {0.8 if is_small else 0.3}
  # Small steps, because large ones make it forget too.
  batch_size: {32 if is_small else 128}
  learning_rate: {"3.0e-4" if is_small else "1.0e-3"}
  epochs: {8 if is_small else 3}
  # Stop when the next epoch would end after this many minutes.
  # max_minutes: 30
  # The KL weight is at its final value from the start, as at the end of the first training.
  kl_schedule: constant
  # Fraction of the new molecules that are decoded unconditionally.
  code_dropout: 0.5
  prior_samples: 500
"""


def objective_text(look: DataLook, name: str, data: str) -> str:
    """Return an objective to begin with: drug-like, easy to make, like the data; and what else it may say.

    Args:
        look: What the data have.
        name: Name of the objective.
        data: Path of the data from the objective's folder.
    """
    low, high = look.logp
    return f"""\
# What better means: change it to what you want. `molvae objective --terms` lists everything that a term or a constraint
# may be, with examples. To check it on the known molecules:
#   molvae objective {OBJECTIVE} MOLECULES --out scores.csv

{named("name", name)}
description: {quoted(f"Like the molecules of {look.path.name}, drug-like and easy to make.")}
# A geometric mean is 0 if one term is 0; in an arithmetic one terms make up for each other.
mean: geometric
terms:
{_lead(look)}  - property: qed
    maximise: {{low: 0.3, high: 0.8}}
  # From 1, easy to make, to 10.
  - property: sa_score
    minimise: {{low: 2.5, high: 5}}
  # The window has 90 % of the data.
  - property: logp
    window: {{low: {low:.1f}, high: {max(high, low + 0.1):.1f}, width: 0.5}}
{_learned(look, data)}  # A function of your own in assays.py in this folder: takes a list of SMILES, returns numbers.
  # - python: 'assays:predicted_pic50'
  #   maximise: {{low: 5, high: 8}}
constraints:
  # 95 % of the data are lighter, in Da.
  - {{property: mol_weight, max: {10 * math.ceil(look.mol_weight[1] / 10)}}}
  - {{alerts: [PAINS, BRENK]}}
  # - {{has: '[CX3](=O)[NX3]', name: amide}}
"""


def _lead(look: DataLook) -> str:
    if look.best is None:
        return """\
  # Like a molecule that you know.
  # - similarity: {to: 'SMILES of the molecule', fingerprint: ECFP4_bits}
  #   maximise: {low: 0.2, high: 0.6}
"""
    value, smiles = look.best
    return f"""\
  # Like the molecule of the highest {one_line(next(iter(look.measured)))}, {value:g}.
  - similarity: {{to: {quoted(smiles)}, fingerprint: ECFP4_bits}}
    maximise: {{low: 0.2, high: 0.6}}
"""


def _learned(look: DataLook, data: str) -> str:
    """Return a term that is learned from the first measured column, to be taken up; nothing without such a column."""
    if look.best is None:
        return ""
    column, (low, high) = next(iter(look.measured.items()))
    source = f"table: {quoted(data)}, column: {quoted(column)}"
    if look.smiles_column is not None:
        source += f", smiles_column: {quoted(look.smiles_column)}"
    return f"""\
  # {one_line(column)} as predicted from what was measured; `minimise` where lower values are better.
  # - learned: {{{source}}}
  #   maximise: {{low: {low:g}, high: {max(high, low + 0.1):g}}}
"""


def named(key: str, name: str) -> str:
    """Return a name and its key as YAML; in quotes where it would be read as a number, a date or the like."""
    return yaml.safe_dump({key: name}).strip()


def quoted(text: str) -> str:
    """Return text as YAML in quotes: single ones, or double ones with the characters that end a line as escapes.

    A column's name may come from anyone. Its end of a line would end the setting or the comment that it is in.
    """
    if one_line(text) != text:
        return yaml.safe_dump(text, default_style='"', allow_unicode=True, width=math.inf).strip()
    return "'" + text.replace("'", "''") + "'"
