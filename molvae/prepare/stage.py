"""The prepare stage: read, convert, drop duplicates, split, write."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pyarrow as pa
from rdkit import Chem

from molvae.chem.measurements import DecimalMarks, files_with_semicolons
from molvae.chem.selfies_codec import selfies_constraints
from molvae.chem.standardise import STEPS
from molvae.config import PrepareConfig, StandardiseConfig
from molvae.errors import ConfigError, DataError, MolvaeError
from molvae.files import invalidate, write_json
from molvae.folders import remove_files
from molvae.log import logger, progress
from molvae.model.coverage import shipped_text
from molvae.parallel import processes_for
from molvae.prepare.blocks import Blocks, Source, convert_blocks, identity
from molvae.prepare.convert import Reason
from molvae.prepare.duplicates import DUPLICATE_FILES, Duplicates
from molvae.prepare.gather import Library, RejectCounts, RowStatus, count_rejects
from molvae.prepare.leakage import Leakage, leakage
from molvae.prepare.preview import unused_columns
from molvae.prepare.split import MIN_HELD_OUT, SPLITS, TEST, TRAIN, VALIDATION, check_splits
from molvae.prepare.summary import LengthStatistics, PrepareSummary
from molvae.prepare.write import WriteStatistics, write_rows
from molvae.provenance import made_by
from molvae.seeding import derive_seed
from molvae.tables import MOLECULES, REJECTED
from molvae.text import printable
from molvae.vocabulary import Vocabulary

VOCABULARY, SUMMARY = "vocabulary.json", "summary.json"

RESUME = "resume"
_IDENTITY, _BLOCK = "[0-9a-f]" * 16, f"-{'[0-9]' * 6}"
RESUME_FILES = (
    *(_IDENTITY, *(f"{_IDENTITY}/{name}{_BLOCK}.parquet" for name in ("test", "input"))),
    *(f"{_IDENTITY}/.{name}{_BLOCK}.[0-9]*.partial.parquet" for name in ("test", "input")),
    *("duplicates", *(f"duplicates/{name}" for name in DUPLICATE_FILES)),
)
"""What a killed run leaves in `resume/`."""

MIN_MOLECULES = 10
_MAX_LENGTH_SHOWN = 200
# The files of a library are alike.
_MAX_FILES_TOLD = 10


def prepare(
    inputs: Sequence[Path],
    out: Path,
    config: PrepareConfig,
    seed: int,
    test_input: Path | None = None,
    n_jobs: int = 1,
) -> PrepareSummary:
    """Convert molecule files to the tables that the other stages work on.

    Writes `molecules.parquet` (`tables.MOLECULES`, in the order of the rows, those of `test_input` last),
    `rejected.csv` (`tables.REJECTED`, with every rejected row once), `vocabulary.json` (the tokens of the training
    split) and `summary.json`, all at the end. Until then, `out/resume/` has what a killed run needs to resume.

    Args:
        inputs: Molecule files, in order; see `molvae.chem.reading` for the formats.
        out: Folder to write.
        config: The settings; `input` and `test_input` in it are ignored in favour of the arguments.
        seed: The run's seed, which determines the split.
        test_input: A file of test molecules. Molecules of `inputs` that are also in it are dropped, and no test split
            is taken from `inputs`.
        n_jobs: Number of processes. The outputs do not depend on it.

    Returns:
        The content of `summary.json`.

    Raises:
        DataError: If a file cannot be read, too many rows are rejected, or too few molecules are left.
        ConfigError: If a setting does not match the files.
    """
    for path in inputs[:_MAX_FILES_TOLD]:
        for line in unused_columns(path, config):
            logger.info("prepare: %s: %s", path, line)
    is_new = not out.exists()
    _remove_partial_files(out)
    try:
        blocks = Blocks(_convert(inputs, out, config, test_input, n_jobs))
        summary = _gather(blocks, out, config, seed, n_jobs)
    except MolvaeError as error:
        if not isinstance(error.__cause__, OSError):
            remove_files(out / RESUME, RESUME_FILES)
        # A folder that was there before stays, even if it is empty.
        if is_new:
            remove_files(out, [])
        raise
    remove_files(out / RESUME, RESUME_FILES)
    for line in summary.lines():
        logger.info(line)
    vocabulary = Vocabulary.read(out / VOCABULARY)
    if text := shipped_text(out, vocabulary):
        logger.info("prepare: of the models that come with molvae (train.init_from), %s", text)
    return summary


def prepare_shard(
    inputs: Sequence[Path],
    out: Path,
    config: PrepareConfig,
    shard: tuple[int, int],
    test_input: Path | None = None,
    n_jobs: int = 1,
) -> None:
    """Do a part of the work of `prepare`, which reuses it when called with the same files and settings.

    The parts can be done at the same time, also on several machines that share the folder `out`.

    Args:
        inputs: As in `prepare`.
        out: As in `prepare`.
        config: As in `prepare`.
        shard: Number of the part, from 1, and number of parts.
        test_input: As in `prepare`.
        n_jobs: Number of processes.

    Raises:
        DataError: If a file cannot be read.
        ConfigError: If a setting does not match the files, or there is no such part.
    """
    number, n_shards = shard
    if not 1 <= number <= n_shards:
        raise ConfigError(f"--shard: expected a number from 1 to {n_shards}, found {number}")
    _convert(inputs, out, config, test_input, n_jobs, shard)


def _convert(
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
    # The test molecules first, so that of two equal molecules the one in the input counts as the duplicate.
    tests = () if test_input is None else (test_input,)
    sources = [source for source in (Source("test", tests), Source("input", tuple(inputs))) if source.paths]
    # Counting costs little, finds a damaged file before the work begins, and gives progress its total.
    paths = [path for source in sources for path in source.paths] if config.properties else []
    marks = DecimalMarks(len(config.properties), files_with_semicolons(paths, config.smiles_column))
    n_rows = {source.name: sum(1 for _ in marks.seen(source.records(config))) for source in sources}
    counts = {source.name: RejectCounts() for source in sources}

    def check(source: str, block: pa.Table) -> None:
        counts[source].add(block)
        _check_rejected_fraction(counts[source], n_rows[source], config.max_rejected)

    n_all = sum(n_rows.values())
    with progress("prepare", n_all) as advance:
        return convert_blocks(
            sources,
            config,
            out / RESUME / identity(sources, config),
            n_jobs=processes_for(n_all // shard[1], n_jobs),
            advance=advance,
            on_block=check,
            decimal_commas=marks.decimal_commas,
            shard=shard,
        )


def _gather(blocks: Blocks, out: Path, config: PrepareConfig, seed: int, n_jobs: int) -> PrepareSummary:
    """Compare the rows with one another, split them, and write the outputs."""
    counts = {source: count_rejects(blocks, source) for source in ("input", "test")}
    for of_source in counts.values():
        _check_rejected_fraction(of_source, of_source.n_rows, config.max_rejected)
    duplicates = Duplicates(blocks, out / RESUME / "duplicates", list(config.properties), config.repeats)
    library = Library(blocks, duplicates)
    _check_number(library.n_kept(test_file=False), counts["input"])
    n_of_tokens = library.drop_rare_tokens(config.min_token_molecules)
    required = library.split(config, seed, n_of_tokens)
    before = library.split_sizes()
    check_splits(before, required)
    vocabulary = library.learn_vocabulary()
    _check_emptied(before, library.split_sizes())
    _check_held_out(library.split_sizes())
    sample_seed = derive_seed(seed, "leakage")
    invalidate(out / SUMMARY)
    statistics = write_rows(
        library, vocabulary, list(config.properties), sample_seed, out / MOLECULES.file, out / REJECTED.file
    )
    sampled = {split: pa.chunked_array(smiles, pa.string()) for split, smiles in statistics.sampled.items()}
    leak = leakage({split: sampled[split] for split in (VALIDATION, TEST)}, sampled[TRAIN], n_jobs)
    summary = _summarise(counts, library, statistics, len(vocabulary), leak, config.properties)
    write_json(out / VOCABULARY, {"tokens": list(vocabulary.tokens)})
    # The model standardises its input in the same way.
    standardisation = config.model_dump(include=set(StandardiseConfig.model_fields))
    write_json(out / SUMMARY, {**asdict(summary), "standardisation": standardisation, **made_by()})
    return summary


def _summarise(
    counts: Mapping[str, RejectCounts],
    library: Library,
    statistics: WriteStatistics,
    vocabulary_size: int,
    leakage: Mapping[str, Leakage],
    units: Mapping[str, str],
) -> PrepareSummary:
    splits = library.split_sizes()
    reasons = sum((source.reasons for source in counts.values()), Counter[Reason]())
    reasons[Reason.RARE_TOKEN] += int(np.count_nonzero(library.status == RowStatus.RARE_TOKEN))
    steps = sum((source.steps for source in counts.values()), Counter[str]())
    return PrepareSummary(
        read=sum(source.n_rows for source in counts.values()),
        stereoisomers=sum(source.n_added for source in counts.values()),
        kept=sum(splits.values()),
        duplicates=int(np.count_nonzero(library.duplicates.mask)),
        rejected={reason.value: reasons[reason] for reason in Reason if reason is not Reason.DUPLICATE},
        splits=splits,
        changed={step: steps[step] for step in STEPS},
        selfies_length=LengthStatistics.from_counts(statistics.lengths),
        vocabulary_size=vocabulary_size,
        leakage=dict(leakage),
        properties={name: statistics.properties[name].statistics(unit) for name, unit in units.items()},
    )


def _remove_partial_files(out: Path) -> None:
    """Remove the partial files of a run that was killed while it wrote."""
    for name in map(Path, (MOLECULES.file, REJECTED.file, VOCABULARY, SUMMARY)):
        for left in out.glob(f".{name.stem}.[0-9]*.partial{name.suffix}"):
            left.unlink(missing_ok=True)


def _check_elements(elements: Sequence[str]) -> None:
    table = Chem.GetPeriodicTable()
    for element in elements:
        try:
            table.GetAtomicNumber(element)
        except RuntimeError as error:
            raise ConfigError(f"prepare.elements: expected symbols of elements, found {element!r}") from error


def _check_rejected_fraction(counts: RejectCounts, n_rows: int, max_fraction: float) -> None:
    """Stop when too many of the `n_rows` are rejected, even if not all are counted yet; duplicates do not count."""
    n_rejected = counts.reasons.total()
    if n_rejected <= max_fraction * n_rows:
        return
    reason, n_of_reason = counts.reasons.most_common(1)[0]
    examples = [
        f"line {line} {_shortened(text)!r}" + (f" ({_shortened(detail)})" if detail else "")
        for line, text, detail in counts.examples[reason]
    ]
    at_least = "" if counts.n_rows == n_rows else "at least "
    raise DataError(
        f"{', '.join(counts.files)}: expected at most {max_fraction:.0%} of the rows rejected (prepare.max_rejected), "
        f"found {at_least}{n_rejected / n_rows:.1%} ({n_rejected} of {n_rows}); {n_of_reason} of them for the reason "
        f"{reason.value!r}, as {'; '.join(examples)}; correct the file, or allow it with --set prepare.max_rejected"
    )


def _shortened(text: str) -> str:
    return printable(text[:_MAX_LENGTH_SHOWN])


def _check_number(n_kept: int, counts: RejectCounts) -> None:
    if n_kept < MIN_MOLECULES:
        raise DataError(
            f"{', '.join(counts.files)}: expected at least {MIN_MOLECULES} distinct valid molecules, found {n_kept}; "
            "give more molecules"
        )


def _check_emptied(before: Mapping[str, int], after: Mapping[str, int]) -> None:
    emptied = [split for split in SPLITS if before[split] and not after[split]]
    if emptied:
        raise DataError(
            f"expected {' and '.join(sorted(emptied))} molecules made of the tokens that the training molecules have, "
            "found none; give more molecules, or another --seed"
        )


def _check_held_out(sizes: Mapping[str, int]) -> None:
    for split, user in ((VALIDATION, "training"), (TEST, "the evaluation")):
        if 0 < sizes[split] < MIN_HELD_OUT:
            raise DataError(
                f"expected at least {MIN_HELD_OUT} {split} molecules, which {user} needs, found {sizes[split]}; give "
                f"more molecules, or a larger prepare.{split}_fraction"
            )
