"""The stage itself: read, convert, drop duplicates, split, write."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import count
from pathlib import Path

import pandas as pd
from rdkit import Chem

from molvae.chem.parallel import chunks_of, map_tasks, processes_for
from molvae.chem.reading import Record, read_molecules
from molvae.chem.vocabulary import Vocabulary, split_selfies
from molvae.config import PrepareConfig, StandardiseConfig
from molvae.errors import ConfigError, DataError
from molvae.files import write_json, write_table
from molvae.log import logger, progress
from molvae.prepare.convert import Accepted, Reason, Refused, convert_all
from molvae.prepare.split import TEST, TRAIN, split_by_scaffold, split_randomly
from molvae.prepare.summary import PrepareSummary
from molvae.provenance import software
from molvae.seeding import numpy_generator

MOLECULES, REJECTED = "molecules.parquet", "rejected.csv"
VOCABULARY, SUMMARY = "vocabulary.json", "summary.json"

FEWEST_MOLECULES = 10
_N_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Kept:
    """A molecule, and the row that it comes from.

    Attributes:
        number: Place of the row among all rows, from 0.
        record: The row.
        molecule: What became of it.
    """

    number: int
    record: Record
    molecule: Accepted


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that is not among the molecules.

    Attributes:
        number: Place of the row among all rows, from 0.
        record: The row.
        why: The reason.
    """

    number: int
    record: Record
    why: Refused


@dataclass
class _Gathered:
    """What became of the rows of some files; `kept` is by canonical SMILES, in the order of the rows."""

    kept: dict[str, Kept] = field(default_factory=dict)
    rejected: list[Rejected] = field(default_factory=list)
    steps: Counter[str] = field(default_factory=Counter)


def prepare(
    inputs: Sequence[Path],
    out: Path,
    config: PrepareConfig,
    seed: int,
    test_input: Path | None = None,
    n_jobs: int = 1,
) -> PrepareSummary:
    """Turn molecule files into the tables that the other stages work on.

    Writes `molecules.parquet` (id, smiles, selfies, split; in the order of the rows, those of `test_input` last),
    `rejected.csv` (source, line, input, reason, detail: every row that is not among the molecules, once),
    `vocabulary.json` (the tokens of the training split) and `summary.json`, all at the end.

    Args:
        inputs: Molecule files, in order; see `molvae.chem.reading` for the formats.
        out: Folder to write.
        config: The settings; its `input` and `test_input` are not read, the arguments here stand for them.
        seed: The run's seed, from which the split follows.
        test_input: A file of test molecules. Those of `inputs` that are also in it are dropped, and none is held
            out of `inputs` for the test.
        n_jobs: Processes to use. The outputs do not depend on it.

    Returns:
        What was written to `summary.json`.

    Raises:
        DataError: If a file cannot be read, too many rows are rejected, or too few molecules are left.
        ConfigError: If a setting does not fit the files.
    """
    _check_elements(config.elements)
    inputs_read, tests_read, from_inputs, from_test = _convert_files(inputs, test_input, config, n_jobs)
    _check_share(from_inputs.rejected, inputs_read, inputs, config.max_rejected)
    if test_input is not None:
        _check_share(from_test.rejected, tests_read, [test_input], config.max_rejected)
    rows = list(from_inputs.kept.values())
    _check_number(rows, inputs)
    splits = _split([row.molecule for row in rows], config, seed, has_test_file=test_input is not None)
    rows += from_test.kept.values()
    splits += [TEST] * len(from_test.kept)

    vocabulary = Vocabulary.from_selfies(_in_split(rows, splits, TRAIN))
    rows, splits, rare = _without_rare_tokens(rows, splits, vocabulary)
    rejected = sorted([*from_inputs.rejected, *from_test.rejected, *rare], key=lambda each: each.number)
    summary = PrepareSummary.of(
        read=inputs_read + tests_read,
        reasons=Counter(each.why.reason for each in rejected),
        steps=from_inputs.steps + from_test.steps,
        splits=splits,
        lengths=[row.molecule.n_tokens for row in rows],
        vocabulary_size=len(vocabulary),
    )
    write_table(out / MOLECULES, _molecules_table(rows, splits))
    write_table(out / REJECTED, _rejected_table(rejected))
    write_json(out / VOCABULARY, {"tokens": list(vocabulary.tokens)})
    # How molecules were standardised goes with them: the model reads its own input in the same way.
    standardisation = config.model_dump(include=set(StandardiseConfig.model_fields))
    write_json(out / SUMMARY, {**asdict(summary), "standardisation": standardisation, "software": software()})
    for line in summary.lines():
        logger.info(line)
    return summary


def _convert_files(
    inputs: Sequence[Path], test_input: Path | None, config: PrepareConfig, n_jobs: int
) -> tuple[int, int, _Gathered, _Gathered]:
    """Return how many rows the inputs and the test file have, and what became of them."""
    tests = [] if test_input is None else [test_input]
    # A first reading costs little, finds a damaged file before the work begins, and tells how long that will take.
    inputs_read, tests_read = (sum(1 for _ in _records(paths, config)) for paths in (inputs, tests))
    with progress("prepare", inputs_read + tests_read) as advance:
        convert = partial(_gather, config=config, n_jobs=n_jobs, advance=advance)
        # The test molecules first: what they have, the inputs must not.
        from_test = convert(_records(tests, config), n_rows=tests_read, first_number=inputs_read, taken={})
        from_inputs = convert(_records(inputs, config), n_rows=inputs_read, first_number=0, taken=from_test.kept)
    return inputs_read, tests_read, from_inputs, from_test


def _records(paths: Iterable[Path], config: PrepareConfig) -> Iterator[Record]:
    for path in paths:
        yield from read_molecules(path, config.smiles_column, config.id_column)


def _gather(
    records: Iterable[Record],
    *,
    n_rows: int,
    first_number: int,
    taken: Mapping[str, Kept],
    config: PrepareConfig,
    n_jobs: int,
    advance: Callable[[int], None],
) -> _Gathered:
    """Convert rows, and drop each molecule that came before or is taken."""
    gathered = _Gathered()
    numbers = count(first_number)
    convert = partial(convert_all, config=config)
    for chunk, outcomes in map_tasks(convert, chunks_of(records), processes_for(n_rows, n_jobs)):
        # The endless numbers last: `zip` would take one more from them to see that a chunk has ended.
        for record, outcome, number in zip(chunk, outcomes, numbers, strict=False):
            if isinstance(outcome, Refused):
                gathered.rejected.append(Rejected(number, record, outcome))
                continue
            gathered.steps.update(outcome.steps)
            first = taken.get(outcome.smiles) or gathered.kept.get(outcome.smiles)
            if first is None:
                gathered.kept[outcome.smiles] = Kept(number, record, outcome)
            else:
                why = Refused(Reason.DUPLICATE, f"of {first.record.id}")
                gathered.rejected.append(Rejected(number, record, why))
        advance(len(chunk))
    return gathered


def _split(molecules: Sequence[Accepted], config: PrepareConfig, seed: int, *, has_test_file: bool) -> list[str]:
    fractions = config.validation_fraction, 0.0 if has_test_file else config.test_fraction
    needed = _with_unique_tokens([molecule.selfies for molecule in molecules])
    generator = numpy_generator(seed, "split")
    if config.split == "scaffold":
        return split_by_scaffold([molecule.scaffold for molecule in molecules], needed, *fractions, generator)
    return split_randomly(needed, *fractions, generator)


def _with_unique_tokens(selfies: Sequence[str]) -> list[bool]:
    """Say for each molecule whether it has a token that no other one has."""
    n_molecules = Counter(token for each in selfies for token in set(split_selfies(each)))
    unique = {token for token, n in n_molecules.items() if n == 1}
    return [bool(unique) and not unique.isdisjoint(split_selfies(each)) for each in selfies]


def _in_split(rows: Sequence[Kept], splits: Sequence[str], wanted: str) -> Iterator[str]:
    return (row.molecule.selfies for row, split in zip(rows, splits, strict=True) if split == wanted)


def _without_rare_tokens(
    rows: Sequence[Kept], splits: Sequence[str], vocabulary: Vocabulary
) -> tuple[list[Kept], list[str], list[Rejected]]:
    """Part the molecules that the vocabulary can spell from those that it cannot, which are all held out.

    Raises:
        DataError: If that empties a split.
    """
    known = frozenset(vocabulary.tokens)
    kept: list[tuple[Kept, str]] = []
    rare: list[Rejected] = []
    for row, split in zip(rows, splits, strict=True):
        unknown = sorted(set(split_selfies(row.molecule.selfies)) - known)
        if unknown:
            rare.append(Rejected(row.number, row.record, Refused(Reason.RARE_TOKEN, " ".join(unknown))))
        else:
            kept.append((row, split))
    emptied = set(splits) - {split for _, split in kept}
    if emptied:
        raise DataError(
            f"expected {' and '.join(sorted(emptied))} molecules made of the tokens that the training molecules have, "
            "found none; give more molecules, or another --seed"
        )
    return [row for row, _ in kept], [split for _, split in kept], rare


def _check_elements(elements: Sequence[str]) -> None:
    table = Chem.GetPeriodicTable()
    for element in elements:
        try:
            table.GetAtomicNumber(element)
        except RuntimeError as error:
            raise ConfigError(f"prepare.elements: expected symbols of elements, found {element!r}") from error


def _check_share(rejected: Sequence[Rejected], n_read: int, paths: Sequence[Path], most: float) -> None:
    """Stop when more than the bound of the rows is bad; a duplicate is not bad."""
    bad = [each for each in rejected if each.why.reason is not Reason.DUPLICATE]
    if len(bad) <= most * n_read:
        return
    reason, n_of_reason = Counter(each.why.reason for each in bad).most_common(1)[0]
    examples = [
        f"line {each.record.line} {_printable(each.record.smiles)!r}"
        + (f" ({each.why.detail})" if each.why.detail else "")
        for each in bad
        if each.why.reason is reason
    ][:_N_EXAMPLES]
    raise DataError(
        f"{_named(paths)}: expected at most {most:.0%} of the rows rejected (prepare.max_rejected), found "
        f"{len(bad) / n_read:.1%} ({len(bad)} of {n_read}); {n_of_reason} of them for the reason {reason.value!r}, as "
        f"{'; '.join(examples)}; correct the file, or allow it with --set prepare.max_rejected"
    )


def _check_number(rows: Sequence[Kept], paths: Sequence[Path]) -> None:
    if len(rows) < FEWEST_MOLECULES:
        raise DataError(
            f"{_named(paths)}: expected at least {FEWEST_MOLECULES} distinct valid molecules, found {len(rows)}; "
            "give more molecules"
        )


def _named(paths: Sequence[Path]) -> str:
    return ", ".join(str(path) for path in paths)


def _molecules_table(rows: Sequence[Kept], splits: Sequence[str]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": [row.record.id for row in rows],
            "smiles": [row.molecule.smiles for row in rows],
            "selfies": [row.molecule.selfies for row in rows],
            "split": splits,
        },
        dtype="str",
    )


def _rejected_table(rejected: Sequence[Rejected]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "source": [each.record.source for each in rejected],
            "line": [each.record.line for each in rejected],
            "input": [_printable(each.record.smiles) for each in rejected],
            "reason": [each.why.reason.value for each in rejected],
            "detail": [_printable(each.why.detail) for each in rejected],
        }
    )


def _printable(text: str) -> str:
    """Write control characters as escapes, so that a row of a table stays on its line."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
