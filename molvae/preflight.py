"""Look over a run before its first job: settings, input files, objectives.

The workflow calls this while it reads the Snakefile, so that a mistake costs seconds and leaves nothing behind.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from molvae.config import WHOLE_RUN, PrepareConfig, ProposeConfig, RunConfig, parse_config
from molvae.errors import ConfigError, DataError
from molvae.files import file_sha256
from molvae.model.shipped import model_folder, shipped_models
from molvae.provenance import without_passwords

if TYPE_CHECKING:
    from molvae.optimize.objective import Objective

SAMPLE = "sample"
"""What the samples are called where generated molecules are scored; no objective may have this name."""

# Settings that say which jobs there are, not how one of them works.
_FOR_THE_WORKFLOW = {("optimize", "objectives"), ("optimize", "baseline"), ("optimize", "seeds"), ("prepare", "shards")}


@dataclass(frozen=True)
class PlannedObjective:
    """An objective that was looked over.

    Attributes:
        source: As the settings give it: a YAML file or the name of a built-in one.
        files: Files that its scores depend on: the YAML file, and the user's own modules and programs beside it. None
            of them is run to find that out.
        is_external: Whether a user's own function or program is called for a molecule.
    """

    source: str
    files: tuple[str, ...]
    is_external: bool


@dataclass(frozen=True)
class RunPlan:
    """A run that was looked over.

    Attributes:
        settings: The checked settings, defaults filled in.
        objectives: The objectives by their names, in the order of the settings.
        inputs: The user's own molecule files; public libraries, which are fetched, are not among them.
        base: Files of the model of the user's own that is trained further, if there is one.
        plate: Files that the next plate is chosen by; none if no plate is asked for.
        base_digest: SHA-256 of the model that comes with molvae and is trained further; empty if there is none.
    """

    settings: RunConfig
    objectives: dict[str, PlannedObjective]
    inputs: tuple[str, ...]
    base: tuple[str, ...]
    plate: tuple[str, ...]
    base_digest: str = ""

    @property
    def baselines(self) -> list[str]:
        """The objectives whose search is compared with random samples."""
        has_baseline = self.settings.optimize.has_baseline
        return [name for name, one in self.objectives.items() if has_baseline(is_external=one.is_external)]

    def section(self, stage: str) -> str:
        """Return as YAML what one stage is handed: the run's name, its seed and device, and the stage's own section.

        The report shows how the run came about, so it is handed all of them. A search is not handed which other
        searches there are, so that a further objective does not repeat the ones that are done. The training is handed
        the digest of a model that comes with molvae, whose place says nothing of its content: a clone may be moved.
        """
        content = self.settings.model_dump(mode="json")
        if stage == "report":
            # It reads no input; the preparation, which does, is handed the addresses with their passwords.
            content = without_passwords(content)
        else:
            own = {key: value for key, value in content[stage].items() if (stage, key) not in _FOR_THE_WORKFLOW}
            content = {**{key: content[key] for key in WHOLE_RUN}, stage: own}
        text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
        if stage == "train" and self.base_digest:
            text += f"# {self.settings.train.init_from}: sha256:{self.base_digest}\n"
        return text


def gpus_requested(device: str, *, local: bool) -> int:
    """Return how many GPUs, 0 or 1, a job that uses the model requests.

    Args:
        device: The setting `device`.
        local: Whether the jobs run on this machine, which is looked at without loading torch.
    """
    if device == "auto" and local:
        # The driver's device on Linux, and its tool elsewhere.
        return int(Path("/dev/nvidia0").exists() or Path("/dev/dxg").exists() or shutil.which("nvidia-smi") is not None)
    return 0 if device == "cpu" else 1


def plan_run(content: dict[str, Any], where: str) -> RunPlan:
    """Check a run's settings and everything outside them that they name.

    Args:
        content: The settings as read from YAML.
        where: The files they come from, for messages.

    Raises:
        ConfigError: If a setting is unknown or impossible, or two objectives have one name.
        DataError: If a file that the settings name does not exist.
        ObjectiveError: If an objective is unknown or ill-defined.
    """
    # A run trains, also where it says nothing of how: what it samples from has to be among the default priors then.
    settings = parse_config({"train": {}, **content}, where)
    _check_held_out(settings.prepare, where)
    inputs, (base, digest) = _plan_inputs(settings, where), _plan_base(settings.train.init_from, where)
    objectives = _plan_objectives(settings.optimize.objectives, list(settings.train.property_head), where)
    return RunPlan(settings, objectives, inputs, base, _plan_plate(settings, where), digest)


def _check_held_out(prepare: PrepareConfig, where: str) -> None:
    """See that molecules are held out for the training, which needs validation, and for the evaluation."""
    fractions = {"validation_fraction": prepare.validation_fraction}
    if prepare.test_input is None:
        fractions["test_fraction"] = prepare.test_fraction
    empty = [name for name, fraction in fractions.items() if fraction == 0.0]
    if empty and prepare.split != "column":
        raise ConfigError(
            f"prepare.{empty[0]}: expected above 0 in a run, which trains and evaluates, found 0; remove the key to "
            f"use 0.05{', or give prepare.test_input' if empty[0] == 'test_fraction' else ''} ({where})"
        )


def _plan_base(model: str | None, where: str) -> tuple[tuple[str, ...], str]:
    """Return the files of the model that is trained further, or the digest of one that comes with molvae."""
    if model is None:
        return (), ""
    try:
        folder = model_folder(model)
    except DataError as error:
        raise DataError(f"train.init_from: {error} ({where})") from error
    files = [path for path in sorted(folder.iterdir()) if path.suffix in (".json", ".safetensors")]
    if folder in shipped_models().values():
        return (), hashlib.sha256("".join(map(file_sha256, files)).encode()).hexdigest()
    return tuple(map(str, files)), ""


def _plan_inputs(settings: RunConfig, where: str) -> tuple[str, ...]:
    # Here and not above, for the same reason as below.
    from molvae.inputs import expand, remote_of

    named = {f"prepare.input[{i}]": name for i, name in enumerate(settings.prepare.input)}
    if settings.prepare.test_input is not None:
        named["prepare.test_input"] = settings.prepare.test_input
    files: list[str] = []
    for key, name in named.items():
        # A public library is fetched by the stage. It is never declared as an input: its coming would change the set
        # of inputs, for which a workflow reruns a stage.
        if remote_of(name) is None:
            paths = [str(path) for path in expand([name])]
            for path in paths:
                _require_file(key, path, "put the molecules there (see data/README.md) or correct the path", where)
            files += paths
    return tuple(files)


def _plan_plate(settings: RunConfig, where: str) -> tuple[str, ...]:
    propose = settings.propose
    named = {"propose.measured": propose.measured, "propose.pool": propose.pool}
    files = {key: path for key, path in named.items() if path is not None}
    for key, path in files.items():
        _require_file(key, path, "correct the path", where)
    if not propose.is_wanted:
        asked = [name for name in ("n", "objective") if getattr(propose, name) != getattr(ProposeConfig(), name)]
        if asked:
            raise ConfigError(
                f"propose: expected measured or pool, without which the workflow proposes no plate, found only "
                f"{' and '.join(asked)}; give one of them, or leave the section out ({where})"
            )
        return ()
    from molvae.optimize.objective import load_objective
    from molvae.propose.inputs import check_inputs

    objective = None if propose.objective is None else load_objective(propose.objective)
    check_inputs(propose, objective)
    if propose.objective is None or objective is None:
        return tuple(files.values())
    _check_predicted(objective, list(settings.train.property_head), "propose.objective", where)
    own = [] if objective.is_builtin else [propose.objective, *map(os.path.relpath, objective.files)]
    return (*files.values(), *dict.fromkeys(own))


def _plan_objectives(sources: list[str], head: list[str], where: str) -> dict[str, PlannedObjective]:
    # Here and not above, because it loads RDKit, and a misspelt key needs no RDKit.
    from molvae.optimize.objective import load_objective

    planned: dict[str, PlannedObjective] = {}
    for i, source in enumerate(sources):
        key = f"optimize.objectives[{i}]"
        is_file = source.endswith((".yaml", ".yml"))
        if is_file:
            _require_file(key, source, "correct the path, or give the name of a built-in objective", where)
        objective = load_objective(source)
        _check_predicted(objective, head, key, where)
        if objective.name == SAMPLE or objective.name in planned:
            taken = "the samples" if objective.name == SAMPLE else planned[objective.name].source
            raise ConfigError(
                f"{key}: expected objectives of different names, found {objective.name} in {source}, which would share "
                f"a folder of results with {taken}; give it another name ({where})"
            )
        files = dict.fromkeys([source, *map(os.path.relpath, objective.files)]) if is_file else {}
        planned[objective.name] = PlannedObjective(source, tuple(files), objective.is_external)
    return planned


def _check_predicted(objective: "Objective", head: list[str], key: str, where: str) -> None:
    """See that the model that is to be trained will predict what an objective asks of it."""
    unknown = [name for name in objective.predicted_properties if name not in head]
    if unknown:
        raise ConfigError(
            f"{key}: expected properties of train.property_head ({', '.join(head) or 'none'}), found predict: "
            f"{unknown[0]} in {objective.name}; add it there, or name a model that predicts it ({where})"
        )


def _require_file(key: str, path: str, remedy: str, where: str) -> None:
    if not Path(path).is_file():
        raise DataError(f"{key}: expected a file at {path}, found none; {remedy} ({where})")


def import_fault(plan: RunPlan) -> str:
    """Import the users' own modules of all objectives, in processes of their own, and say what fails.

    Returns:
        The error message of the first objective whose modules cannot be imported; empty if all can.
    """
    # The file of the objective itself is one.
    sources = [objective.source for objective in plan.objectives.values() if len(objective.files) > 1]
    of_plate = plan.settings.propose.objective
    if of_plate in plan.plate:
        sources.append(of_plate)
    for source in dict.fromkeys(sources):
        command = [sys.executable, "-m", "molvae", "objective", source, "--check"]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
        if done.returncode:
            ended = f"molvae: error: {source}: the import of its modules ended with {done.returncode}"
            return (done.stderr.strip() or ended).splitlines()[-1]
    return ""
