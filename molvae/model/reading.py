"""Molecules as a model reads them: standardised, in tokens of its vocabulary, or why it cannot read them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from molvae.chem.molecules import is_ordinary, parse
from molvae.chem.quiet import quiet
from molvae.chem.selfies_codec import selfies_constraints, smiles_to_selfies
from molvae.chem.standardise import Steps, standardise
from molvae.chem.timeout import TIME_LIMIT_S as TIME_LIMIT_S
from molvae.chem.timeout import Outcome, map_within
from molvae.config import StandardiseConfig
from molvae.errors import DataError
from molvae.log import logger
from molvae.model.shipped import models_that_know
from molvae.parallel import chunks_of, map_tasks, processes_for
from molvae.vocabulary import Vocabulary, split_selfies


class Problem(StrEnum):
    """Why a model cannot read a molecule."""

    NOT_A_MOLECULE = "not a molecule"
    """The SMILES does not parse."""
    TOO_SLOW = "too slow"
    """The chemistry libraries exceeded the time limit."""
    CRASHED = "crashed the chemistry libraries"
    """They ended the process."""
    NO_STANDARD_FORM = "no standard form"
    """It cannot be standardised: a metal complex, mostly."""
    NO_SELFIES = "no SELFIES"
    """It has no SELFIES under the bonding constraints."""
    UNKNOWN_TOKEN = "unknown token"
    """It has tokens that are not in the vocabulary."""


@dataclass(frozen=True, slots=True)
class ModelInput:
    """A molecule as a model reads it.

    Attributes:
        smiles: Canonical SMILES of its standard form; None without one.
        selfies: Its SELFIES; None where the model cannot read it.
        problem: Why it cannot.
        unknown: The tokens that are not in the vocabulary, in the order of the SELFIES.
    """

    smiles: str | None = None
    selfies: str | None = None
    problem: Problem | None = None
    unknown: tuple[str, ...] = ()

    @property
    def is_molecule(self) -> bool:
        """Whether the SMILES is known to be a molecule."""
        return self.problem not in (Problem.NOT_A_MOLECULE, Problem.TOO_SLOW, Problem.CRASHED)

    def text(self) -> str:
        """Return why the model cannot read it, with the tokens named; empty if it can."""
        return " ".join(filter(None, [self.problem or "", ", ".join(self.unknown)]))


@dataclass(frozen=True)
class Reader:
    """How a model reads SMILES.

    Attributes:
        standardisation: How its molecules are standardised and written as SELFIES.
        vocabulary: Its tokens.
    """

    standardisation: StandardiseConfig
    vocabulary: Vocabulary

    def read(self, smiles: Sequence[str], n_jobs: int = 1) -> list[ModelInput]:
        """Read molecules; one that hangs the chemistry libraries, or crashes them, costs no other.

        Args:
            smiles: N SMILES.
            n_jobs: Processes for many of them; the result does not depend on it.

        Returns:
            N inputs, in order.
        """
        chunks = map_tasks(self._read_chunk, chunks_of(smiles), processes_for(len(smiles), n_jobs))
        return [molecule for _, chunk in chunks for molecule in chunk]

    def _read_chunk(self, smiles: Sequence[str]) -> list[ModelInput]:
        failures = {Outcome.TOO_SLOW: Problem.TOO_SLOW, Outcome.CRASHED: Problem.CRASHED}
        with quiet(), selfies_constraints(self.standardisation.selfies_constraints):
            odd = map_within(self._read_one, [text for text in smiles if not is_ordinary(text)], TIME_LIMIT_S)
            of_odd = (ModelInput(problem=failures[o]) if isinstance(o, Outcome) else o for o in odd)
            return [self._read_one(text) if is_ordinary(text) else next(of_odd) for text in smiles]

    def read_all(self, smiles: Sequence[str]) -> list[ModelInput]:
        """Read N molecules, every one of which the model must be able to encode.

        Raises:
            DataError: If it cannot; the message says which and why.
        """
        inputs = self.read(smiles)
        for text, molecule in zip(smiles, inputs, strict=True):
            if not molecule.is_molecule:
                raise DataError(f"expected a molecule, found {text!r}, which RDKit cannot read; check the SMILES")
            if molecule.unknown:
                able = "".join(f"use {name}, or " for name in models_that_know(molecule.unknown))
                tokens = ", ".join(molecule.unknown)
                raise DataError(
                    f"expected a molecule whose tokens the model knows, found {tokens} in {text!r}; {able}train on "
                    "molecules like it"
                )
            if molecule.problem is not None:
                raise DataError(
                    f"expected a molecule that the model can encode, found {text!r} ({molecule.problem}); give another"
                )
        return inputs

    def read_canonical(self, smiles: Sequence[str | None], n_jobs: int = 1) -> list[ModelInput]:
        """Read N canonical SMILES of standard forms, with None for what is not a molecule, in `n_jobs` processes."""
        chunks = map_tasks(self._read_canonical, chunks_of(smiles), processes_for(len(smiles), n_jobs))
        return [molecule for _, chunk in chunks for molecule in chunk]

    def _read_canonical(self, smiles: Sequence[str | None]) -> list[ModelInput]:
        with selfies_constraints(self.standardisation.selfies_constraints):
            return [ModelInput(problem=Problem.NOT_A_MOLECULE) if not text else self._tokens(text) for text in smiles]

    def _read_one(self, smiles: str) -> ModelInput:
        standard = standardise(smiles, Steps.of(self.standardisation))
        if standard is None:
            is_molecule = parse(smiles) is not None
            return ModelInput(problem=Problem.NO_STANDARD_FORM if is_molecule else Problem.NOT_A_MOLECULE)
        return self._tokens(standard.smiles)

    def _tokens(self, smiles: str) -> ModelInput:
        selfies = smiles_to_selfies(smiles)
        if selfies is None:
            return ModelInput(smiles, problem=Problem.NO_SELFIES)
        if self.vocabulary.knows(selfies):
            return ModelInput(smiles, selfies)
        unknown = dict.fromkeys(token for token in split_selfies(selfies) if not self.vocabulary.knows(token))
        return ModelInput(smiles, problem=Problem.UNKNOWN_TOKEN, unknown=tuple(unknown))


class InputCounts:
    """Counts what a model could read of a stream of molecules, for the log."""

    def __init__(self) -> None:
        """Start at zero."""
        self.n = 0
        self._problems: Counter[Problem] = Counter()
        self._tokens: dict[str, None] = {}

    def counted(self, inputs: list[ModelInput]) -> list[ModelInput]:
        """Count molecules and return them."""
        self.n += len(inputs)
        self._problems.update(molecule.problem for molecule in inputs if molecule.problem is not None)
        self._tokens.update(dict.fromkeys(token for molecule in inputs for token in molecule.unknown))
        return inputs

    def text(self) -> str:
        """Return what could not be read and why, such as `2 not a molecule`."""
        able = ", ".join(models_that_know(self._tokens)) if self._tokens else ""
        tokens = f" ({', '.join(self._tokens)}{f'; {able} knows them' if able else ''})"
        parts = {problem: f"{self._problems[problem]:,} {problem}" for problem in Problem if self._problems[problem]}
        return "; ".join(part + tokens * (problem is Problem.UNKNOWN_TOKEN) for problem, part in parts.items())

    def log(self, done: str) -> None:
        """Log how many molecules were `done`, and why the others were not."""
        n_unread = self._problems.total()
        why = f"; {self.text()}" if n_unread else ""
        logger.info("%s of %s molecules %s%s", f"{self.n - n_unread:,}", f"{self.n:,}", done, why)
