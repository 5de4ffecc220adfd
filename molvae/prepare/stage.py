"""The stage itself: read, convert, drop duplicates, split, write."""

import contextlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pyarrow as pa
from rdkit import Chem

from molvae.chem.selfies_codec import selfies_constraints
from molvae.config import PrepareConfig, StandardiseConfig
from molvae.errors import ConfigError, DataError, MolvaeError
from molvae.files import invalidate, write_json
from molvae.folders import remove_files
from molvae.log import logger, progress
from molvae.parallel import processes_for
from molvae.prepare.blocks import Blocks, Source, convert_blocks, identity
from molvae.prepare.convert import Reason
from molvae.prepare.duplicates import Duplicates
from molvae.prepare.gather import Library, RejectCounts, RowStatus, tally
from molvae.prepare.leakage import leakage
from molvae.prepare.split import SPLITS, TEST, TRAIN, VALIDATION, check_splits
from molvae.prepare.summary import PrepareSummary
from molvae.prepare.write import printable, write_rows
from molvae.provenance import software
from molvae.seeding import derive_seed

MOLECULES, REJECTED = "molecules.parquet", "rejected.csv"
VOCABULARY, SUMMARY = "vocabulary.json", "summary.json"

RESUME = "resume"
_IDENTITY = "[0-9a-f]" * 16
RESUME_FILES = (
    *(_IDENTITY, *(f"{_IDENTITY}/{name}-*.parquet" for name in ("test", "input")), f"{_IDENTITY}/.*.partial.parquet"),
    *("duplicates", "duplicates/*.arrow"),
)
"""What a killed run leaves in `resume/`."""

MIN_MOLECULES = 10
_MOST_SHOWN = 200


def prepare(
    inputs: Sequence[Path],
    out: Path,
    config: PrepareConfig,
    seed: int,
    test_input: Path | None = None,
    n_jobs: int = 1,
) -> PrepareSummary:
    """Turn molecule files into the tables that the other stages work on.

    Writes `molecules.parquet` (id, smiles, selfies, split, and `property.<name>` for each measured property; in the
    order of the rows, those of `test_input` last), `rejected.csv` (source, line, input, reason, detail: every row that
    is not among the molecules, once), `vocabulary.json` (the tokens of the training split) and `summary.json`, all at
    the end. What a killed run needs to go on lies in `out/resume/` until then.

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
    _tidy(out)
    try:
        blocks = Blocks(_converted(inputs, out, config, test_input, n_jobs))
        summary = _gathered(blocks, out, config, seed, n_jobs)
    except MolvaeError as error:
        if not isinstance(error.__cause__, OSError):
            _forget(out)
        raise
    _forget(out)
    for line in summary.lines():
        logger.info(line)
    return summary


def prepare_shard(
    inputs: Sequence[Path],
    out: Path,
    config: PrepareConfig,
    shard: tuple[int, int],
    test_input: Path | None = None,
    n_jobs: int = 1,
) -> None:
    """Do a part of the work of `prepare`, which finds it done when it is called with the same files and settings.

    The parts can be done at the same time, and on several machines that share the folder `out`.

    Args:
        inputs: As in `prepare`.
        out: As in `prepare`.
        config: As in `prepare`.
        shard: Number of the part, from 1, and how many parts there are.
        test_input: As in `prepare`.
        n_jobs: Processes to use.

    Raises:
        DataError: If a file cannot be read.
        ConfigError: If a setting does not fit the files, or there is no such part.
    """
    number, n_shards = shard
    if not 1 <= number <= n_shards:
        raise ConfigError(f"--shard: expected a number from 1 to {n_shards}, found {number}")
    _converted(inputs, out, config, test_input, n_jobs, shard)


def _converted(
    inputs: Sequence[Path],
    out: Path,
    config: PrepareConfig,
    test_input: Path | None,
    n_jobs: int,
    shard: tuple[int, int] = (1, 1),
) -> list[Path]:
    """Convert the rows, or a part of them, and return the paths of all blocks."""
    _check_elements(config.elements)
    with selfies_constraints(config.selfies_constraints):
        pass
    # The test molecules first: what they have, the inputs must not.
    tests = () if test_input is None else (test_input,)
    sources = [source for source in (Source("test", tests), Source("input", tuple(inputs))) if source.paths]
    # A first reading costs little, finds a damaged file before the work begins, and tells how long that will take.
    n_rows = {source.name: sum(1 for _ in source.records(config)) for source in sources}
    tallies = {source.name: RejectCounts() for source in sources}

    def judge(source: str, block: pa.Table) -> None:
        tallies[source].add(block)
        _check_rejected_fraction(tallies[source], n_rows[source], config.max_rejected)

    n_all = sum(n_rows.values())
    with progress("prepare", n_all) as advance:
        return convert_blocks(
            sources,
            config,
            out / RESUME / identity(sources, config),
            n_jobs=processes_for(n_all // shard[1], n_jobs),
            advance=advance,
            judge=judge,
            shard=shard,
        )


def _gathered(blocks: Blocks, out: Path, config: PrepareConfig, seed: int, n_jobs: int) -> PrepareSummary:
    """Judge the rows together, and write what becomes of them."""
    tallies = {source: tally(blocks, source) for source in ("input", "test")}
    for found in tallies.values():
        _check_rejected_fraction(found, found.n_rows, config.max_rejected)
    library = Library(blocks, Duplicates(blocks, out / RESUME / "duplicates"))
    _check_number(library.n_kept(test_file=False), tallies["input"])
    unique_tokens = library.drop_rare_tokens(config.min_token_molecules)
    asked = library.split(config, seed, unique_tokens)
    before = library.in_splits()
    check_splits(before, asked)
    vocabulary = library.learn_vocabulary()
    splits = library.in_splits()
    _check_emptied(before, splits)
    invalidate(out / SUMMARY)
    written = write_rows(
        library, vocabulary, list(config.properties), derive_seed(seed, "leakage"), out / MOLECULES, out / REJECTED
    )
    drawn = {split: pa.chunked_array(smiles, pa.string()) for split, smiles in written.drawn.items()}
    n_rare = int(np.count_nonzero(library.fates == RowStatus.RARE_TOKEN))
    reasons = sum((found.reasons for found in tallies.values()), Counter({Reason.RARE_TOKEN: n_rare}))
    summary = PrepareSummary.of(
        read=sum(found.n_rows for found in tallies.values()),
        stereoisomers=sum(found.n_added for found in tallies.values()),
        reasons=reasons + Counter({Reason.DUPLICATE: int(np.count_nonzero(library.duplicates.mask))}),
        steps=tallies["input"].steps + tallies["test"].steps,
        splits=splits,
        lengths=written.lengths,
        vocabulary_size=len(vocabulary),
        leakage=leakage({split: drawn[split] for split in (VALIDATION, TEST)}, drawn[TRAIN], n_jobs),
        properties={name: written.properties[name].described(unit) for name, unit in config.properties.items()},
    )
    write_json(out / VOCABULARY, {"tokens": list(vocabulary.tokens)})
    # How molecules were standardised goes with them: the model reads its own input in the same way.
    standardisation = config.model_dump(include=set(StandardiseConfig.model_fields))
    write_json(out / SUMMARY, {**asdict(summary), "standardisation": standardisation, "software": software()})
    return summary


def _tidy(out: Path) -> None:
    """Remove what a run that was killed while it wrote has left half-written."""
    for name in map(Path, (MOLECULES, REJECTED, VOCABULARY, SUMMARY)):
        for left in out.glob(f".{name.stem}.*.partial{name.suffix}"):
            left.unlink(missing_ok=True)


def _forget(out: Path) -> None:
    """Remove what a killed run would need to go on, and the folder if nothing else is in it."""
    remove_files(out / RESUME, RESUME_FILES)
    with contextlib.suppress(OSError):
        out.rmdir()


def _check_elements(elements: Sequence[str]) -> None:
    table = Chem.GetPeriodicTable()
    for element in elements:
        try:
            table.GetAtomicNumber(element)
        except RuntimeError as error:
            raise ConfigError(f"prepare.elements: expected symbols of elements, found {element!r}") from error


def _check_rejected_fraction(found: RejectCounts, n_rows: int, most: float) -> None:
    """Stop when more than the bound of the `n_rows` is bad, even if not all are counted yet; a duplicate is not bad."""
    n_bad = found.reasons.total()
    if n_bad <= most * n_rows:
        return
    reason, n_of_reason = found.reasons.most_common(1)[0]
    examples = [
        f"line {line} {printable(text[:_MOST_SHOWN])!r}" + (f" ({printable(detail[:_MOST_SHOWN])})" if detail else "")
        for line, text, detail in found.examples[reason]
    ]
    least = "" if found.n_rows == n_rows else "at least "
    raise DataError(
        f"{', '.join(found.files)}: expected at most {most:.0%} of the rows rejected (prepare.max_rejected), found "
        f"{least}{n_bad / n_rows:.1%} ({n_bad} of {n_rows}); {n_of_reason} of them for the reason {reason.value!r}, as "
        f"{'; '.join(examples)}; correct the file, or allow it with --set prepare.max_rejected"
    )


def _check_number(n_kept: int, found: RejectCounts) -> None:
    if n_kept < MIN_MOLECULES:
        raise DataError(
            f"{', '.join(found.files)}: expected at least {MIN_MOLECULES} distinct valid molecules, found {n_kept}; "
            "give more molecules"
        )


def _check_emptied(before: Mapping[str, int], after: Mapping[str, int]) -> None:
    emptied = [split for split in SPLITS if before[split] and not after[split]]
    if emptied:
        raise DataError(
            f"expected {' and '.join(sorted(emptied))} molecules made of the tokens that the training molecules have, "
            "found none; give more molecules, or another --seed"
        )
