"""Which searches the benchmark consists of. Loads neither torch nor RDKit: the workflow reads it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import yaml

from molvae.config import OptimizeConfig, load_config
from molvae.files import read_json
from molvae.section import Section

PLAN = Path(__file__).with_name("optimize.yaml")
BUDGET = 10_000
"""Oracle calls of a search, as in PMO."""
CURVE_STEP = 100
"""Calls between two points of a recorded curve, as in PMO."""


@dataclass(frozen=True)
class Run:
    """One search.

    Attributes:
        label: Name of the variant of the strategy; that of the strategy itself if its settings are not varied.
        strategy: Name of the strategy.
        task: A built-in objective.
        seed: Seed of the search.
        settings: `key=value` of the section `optimize` that differ from the defaults.
        budget: Oracle calls.
        model: The model, a shipped one's name or a folder.
        library: A file of SMILES, from which half of the start molecules are drawn; none by default.
    """

    label: str
    strategy: str
    task: str
    seed: int
    settings: tuple[str, ...] = ()
    budget: int = BUDGET
    model: str = "zinc250k"
    library: str | None = None

    @property
    def name(self) -> str:
        """Where its record is kept, relative to the folder of the results and without a suffix."""
        folder = self.label if self.budget == BUDGET else f"{self.label}-{self.budget}-calls"
        return f"{folder}/{self.task}/seed-{self.seed}"

    @property
    def config(self) -> OptimizeConfig:
        """Its settings, checked."""
        sets = [f"optimize.{setting}" for setting in (*self.settings, f"budget={self.budget}")]
        return load_config(None, [f"optimize.strategy={self.strategy}", *sets]).optimize

    @property
    def arguments(self) -> list[str]:
        """What `optimize.py one` is called with to run it."""
        sets = [text for setting in self.settings for text in ("--set", setting)]
        library = [] if self.library is None else ["--library", self.library]
        options = ["--budget", str(self.budget), "--model", self.model, *sets, *library]
        return [self.label, self.strategy, self.task, str(self.seed), *options]

    def is_done(self, out: Path) -> bool:
        """Whether its record is there, complete and with the same settings."""
        file = out / f"{self.name}.json"
        if not file.exists():
            return False
        record = read_json(file)
        return bool(record["finished"]) and self == Run.of(record)

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Self:
        """Return the run that a record is of."""
        values = {key: record[key] for key in cls.__dataclass_fields__}
        return cls(**{**values, "settings": tuple(values["settings"])})


class Planned(Section):
    """Searches of one strategy."""

    strategy: str
    label: str | None = None
    tasks: list[str]
    seeds: list[int]
    settings: tuple[str, ...] = ()
    budget: int = BUDGET


class Plan(Section):
    """The content of `optimize.yaml`."""

    model: str
    tasks: list[str]
    tuning: list[str]
    ablation: list[str]
    searches: list[Planned]

    @classmethod
    def read(cls, file: Path = PLAN) -> "Plan":
        """Read a plan."""
        return cls.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))

    def tasks_of(self, names: Sequence[str]) -> list[str]:
        """Return tasks, where `all`, `tuning`, `ablation` and `others` (not for tuning) stand for several."""
        others = [task for task in self.tasks if task not in self.tuning]
        groups = {"all": self.tasks, "tuning": self.tuning, "ablation": self.ablation, "others": others}
        return [task for name in names for task in groups.get(name, [name])]

    def runs(self) -> Iterator[Run]:
        """Yield all searches, seed by seed, so that each task is searched once before any is searched twice."""
        for seed in sorted({seed for planned in self.searches for seed in planned.seeds}):
            for planned in self.searches:
                if seed not in planned.seeds:
                    continue
                label = planned.label or planned.strategy
                for task in self.tasks_of(planned.tasks):
                    yield Run(label, planned.strategy, task, seed, planned.settings, planned.budget, self.model)
