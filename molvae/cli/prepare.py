"""`molvae prepare`."""

import os
from typing import Annotated

import typer

from molvae.cli.common import (
    ConfigOption,
    IdColumnOption,
    OutFolder,
    SeedOption,
    SetOption,
    SmilesColumnOption,
    ThreadsOption,
    settings,
)
from molvae.errors import ConfigError


def prepare(
    out: OutFolder,
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FILE]...",
            help="Molecule files: .smi .csv .tsv .sdf .parquet, also .gz .bz2 .zst; glob patterns, URLs, or public "
            "libraries: moses, zinc250k, guacamol, chembl. The config's `prepare.input` by default.",
        ),
    ] = None,
    test: Annotated[
        str | None,
        typer.Option("--test", help="File with test molecules; the config's `prepare.test_input` by default."),
    ] = None,
    smiles_column: SmilesColumnOption = None,
    id_column: IdColumnOption = None,
    properties: Annotated[
        list[str] | None,
        typer.Option(
            "--property",
            metavar="COLUMN=UNIT",
            help="Column with measured values to keep, and their unit, such as 'pIC50=-log10 M'; may be repeated.",
        ),
    ] = None,
    config: ConfigOption = None,
    overrides: SetOption = None,
    seed: SeedOption = None,
    threads: ThreadsOption = None,
    shard: Annotated[
        str | None,
        typer.Option(
            "--shard", metavar="I/N", help="Process only shard I of N; run without --shard to gather the shards."
        ),
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Download nothing; list missing files instead.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show how the files would be read, and the first rejected rows.")
    ] = False,
) -> None:
    """Standardise, filter and split molecules, and encode them as SELFIES.

    Writes OUT/molecules.parquet, rejected.csv (every rejected row with its reason), vocabulary.json and summary.json.
    """
    # Set before Arrow is loaded: its own allocator retains freed memory, up to a multiple of the size of a block.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    from molvae.folders import output_folder
    from molvae.inputs import expand
    from molvae.parallel import cpus_to_use
    from molvae.prepare import prepare as run
    from molvae.prepare import prepare_shard, preview
    from molvae.prepare.fetch import fetch_missing

    run_config = settings(config, overrides, seed)
    chosen = run_config.prepare
    columns = {"smiles_column": smiles_column, "id_column": id_column}
    chosen = chosen.model_copy(update={name: value for name, value in columns.items() if value is not None})
    if properties:
        chosen = chosen.model_copy(update={"properties": chosen.properties | dict(map(_with_unit, properties))})
    names, tests = files or chosen.input, [name for name in (test or chosen.test_input,) if name]
    part = None if shard is None else _part(shard)
    fetch_missing([*names, *tests], offline=offline or dry_run)
    inputs, test_inputs = expand(names), expand(tests)
    if len(test_inputs) > 1:
        raise ConfigError(f"--test: expected one file, found {len(test_inputs)} that match {tests[0]}")
    test_input = test_inputs[0] if test_inputs else None
    if dry_run:
        for line in preview([*inputs, *test_inputs], chosen):
            typer.echo(line)
        return
    with output_folder(out, "resume", shared=part is not None):
        if part is not None:
            prepare_shard(inputs, out, chosen, part, test_input, cpus_to_use(threads))
        else:
            run(inputs, out, chosen, run_config.seed, test_input=test_input, n_jobs=cpus_to_use(threads))


def _with_unit(text: str) -> tuple[str, str]:
    column, equals, unit = text.partition("=")
    if not (column.strip() and equals):
        raise ConfigError(f"--property: expected COLUMN=UNIT, such as 'pIC50=-log10 M', found {text!r}")
    return column.strip(), unit.strip()


def _part(text: str) -> tuple[int, int]:
    number, _, total = text.partition("/")
    if not (number.isdecimal() and total.isdecimal()):
        raise ConfigError(f"--shard: expected a shard and the number of shards, such as 2/16, found {text!r}")
    return int(number), int(total)
