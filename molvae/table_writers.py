"""Write a table of molecules block by block, in the format that its name asks for, or as CSV to standard output."""

import gzip
import io
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

import pandas as pd

from molvae.errors import DataError
from molvae.files import check_writable, replacing
from molvae.log import logger
from molvae.text import spreadsheet_safe

STDOUT = Path("-")

WriteBlock = Callable[[pd.DataFrame, Sequence[str], Sequence[str]], None]
"""Writes N rows, given also their SMILES (empty for a row without a molecule) and the molecules' names."""

ENDINGS = (".csv", ".tsv", ".parquet", ".sdf", ".csv.gz", ".tsv.gz", ".sdf.gz")
MOLECULE_ENDINGS = (*ENDINGS, ".smi", ".smi.gz")
"""Endings for what is no more than molecules: a `.smi` has SMILES and names only."""


def check_ending(path: Path, endings: Sequence[str] = ENDINGS) -> None:
    """Check that a table can be written by this name, before the work whose result it is; `-` is standard output.

    Raises:
        DataError: If it has none of the endings.
    """
    if path != STDOUT and _format(path) not in endings:
        why = " (a .smi has SMILES and names only)" if ".smi" in path.suffixes else ""
        raise DataError(
            f"{path}: expected a name that ends in {', '.join(endings)}, or - for standard output{why}; give the table "
            "another"
        )


def check_output(path: Path, endings: Sequence[str] = ENDINGS) -> None:
    """Check that a table can be written by this name and in its folder, before the work whose result it is.

    Raises:
        DataError: If it has none of the endings, or its folder cannot be written.
    """
    check_ending(path, endings)
    if path != STDOUT:
        check_writable(path)


@contextmanager
def table_writer(path: Path | None, n_jobs: int = 1) -> Iterator[WriteBlock]:
    """Write a table in blocks; a file appears whole at the end, or not at all.

    Args:
        path: The file, one of `MOLECULE_ENDINGS`; None or `-` for CSV on standard output.
        n_jobs: Processes to draw the molecules of an `.sdf`.

    Yields:
        A function that writes a block; all blocks have the same columns.

    Raises:
        DataError: If the name has another ending, or there is no room on the disk.
    """
    if path is None or path == STDOUT:
        yield _csv_writer(sys.stdout, ",")
        sys.stdout.flush()
        return
    check_ending(path, MOLECULE_ENDINGS)
    kind = _format(path).removesuffix(".gz")
    with replacing(path) as temporary:
        if kind == ".parquet":
            with _parquet_writer(temporary) as write:
                yield write
            return
        with _text(temporary, is_compressed=path.suffix.lower() == ".gz") as file:
            match kind:
                case ".sdf":
                    yield _sdf_writer(path, file, n_jobs)
                case ".smi":
                    yield _smi_writer(file)
                case _:
                    yield _csv_writer(file, "\t" if kind == ".tsv" else ",")


def _format(path: Path) -> str:
    endings = [suffix.lower() for suffix in path.suffixes[-2:]]
    return "".join(endings if endings[-1:] == [".gz"] else endings[-1:])


@contextmanager
def _text(path: Path, *, is_compressed: bool) -> Iterator[IO[str]]:
    with path.open("wb") as file:
        if not is_compressed:
            with io.TextIOWrapper(file, encoding="utf-8", newline="") as text:
                yield text
            return
        # Without the time and the temporary name, so that the same table gives the same bytes.
        with (
            gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as packed,
            io.TextIOWrapper(cast("io.BufferedWriter", packed), encoding="utf-8", newline="") as text,
        ):
            yield text


def _csv_writer(file: IO[str], delimiter: str) -> WriteBlock:
    is_first = True

    def write(rows: pd.DataFrame, smiles: Sequence[str], ids: Sequence[str]) -> None:  # noqa: ARG001
        nonlocal is_first
        # In a table that a spreadsheet opens, no text is a formula.
        file.write(spreadsheet_safe(rows).to_csv(index=False, header=is_first, sep=delimiter, lineterminator="\n"))
        is_first = False

    return write


def _smi_writer(file: IO[str]) -> WriteBlock:
    def write(rows: pd.DataFrame, smiles: Sequence[str], ids: Sequence[str]) -> None:  # noqa: ARG001
        pairs = zip(smiles, ids, strict=True)
        file.writelines(f"{molecule} {name}".rstrip() + "\n" for molecule, name in pairs if molecule)

    return write


def _sdf_writer(path: Path, file: IO[str], n_jobs: int) -> WriteBlock:
    from molvae.chem.sdf import sd_records

    def write(rows: pd.DataFrame, smiles: Sequence[str], ids: Sequence[str]) -> None:
        records = list(sd_records(smiles, ids, rows, n_jobs))
        file.writelines(records)
        if n_left_out := records.count(""):
            logger.warning("%s: %d rows are left out, whose SMILES cannot be drawn as a structure", path, n_left_out)

    return write


@contextmanager
def _parquet_writer(path: Path) -> Iterator[WriteBlock]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    writer: pq.ParquetWriter | None = None

    def write(rows: pd.DataFrame, smiles: Sequence[str], ids: Sequence[str]) -> None:  # noqa: ARG001
        nonlocal writer
        if writer is None:
            found = pa.Schema.from_pandas(rows, preserve_index=False)
            # A column without any value in the first block is text in the others.
            fields = [field.with_type(pa.string()) if pa.types.is_null(field.type) else field for field in found]
            writer = pq.ParquetWriter(path, pa.schema(fields, found.metadata), write_page_checksum=True)
        writer.write_table(pa.Table.from_pandas(rows, schema=writer.schema, preserve_index=False))

    try:
        yield write
    finally:
        if writer is not None:
            writer.close()
