"""Write molecules as MDL SD files."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from rdkit import Chem
from rdkit.Chem import rdDepictor

from molvae.chem.molecules import is_ordinary, parse
from molvae.chem.quiet import quiet
from molvae.files import replacing
from molvae.log import logger
from molvae.parallel import chunks_of, map_tasks, processes_for
from molvae.text import flat, one_line

# Above it, neighbouring whole numbers are the same fraction.
_MAX_WHOLE = 2**53


@dataclass(frozen=True)
class _Chunk:
    smiles: list[str]
    names: list[str]
    fields: list[Mapping[str, str]]


def write_sdf(path: Path, smiles: Sequence[str], names: Sequence[str], fields: pd.DataFrame, n_jobs: int = 1) -> None:
    """Write molecules with 2D coordinates; those that cannot be drawn are left out and counted in the log.

    Args:
        path: The file to write.
        smiles: N valid SMILES.
        names: Their titles.
        fields: N rows whose columns become data fields; a missing value leaves its field out.
        n_jobs: Processes for large N.
    """
    n_left_out = 0
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        for record in sd_records(smiles, names, fields, n_jobs):
            file.write(record)
            n_left_out += not record
    if n_left_out:
        logger.warning(
            "%s: %d molecules are left out, which are too large to draw or cannot be read back", path, n_left_out
        )


def sd_records(smiles: Sequence[str], names: Sequence[str], fields: pd.DataFrame, n_jobs: int = 1) -> Iterator[str]:
    """Yield molecules with 2D coordinates as records of an SD file; empty for one that cannot be drawn.

    The arguments are those of `write_sdf`; the SMILES need not be valid.
    """
    rows = fields.to_dict("records")
    chunks = [
        _Chunk([smiles[i] for i in indices], [_text(names[i]) for i in indices], [_texts(rows[i]) for i in indices])
        for indices in chunks_of(range(len(smiles)))
    ]
    for _, records in map_tasks(_sd_records, chunks, processes_for(len(smiles), n_jobs)):
        yield from records


def _texts(row: Mapping[Any, Any]) -> dict[str, str]:
    values = {one_line(str(column)): flat(value) for column, value in row.items()}
    return {column: _text(_shown(value)) for column, value in values.items() if not pd.isna(value) and value != ""}


def _shown(value: object) -> str:
    """Return a value with all its digits, and without decimals if it is whole: pandas has such next to missing ones."""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < _MAX_WHOLE else str(float(value))
    return str(value)


def _text(value: str) -> str:
    """Return the text of a data field, which stays on its line and does not end the record."""
    text = one_line(value)
    return f" {text}" if text.startswith("$$$$") else text


def _sd_records(chunk: _Chunk) -> list[str]:
    with quiet():
        return list(map(_sd_record, chunk.smiles, chunk.names, chunk.fields))


def _sd_record(smiles: str, name: str, fields: Mapping[str, str]) -> str:
    """Return a record; empty for a molecule that would take long to draw, or whose SMILES RDKit cannot read back."""
    mol = parse(smiles) if is_ordinary(smiles) else None
    if mol is None:
        return ""
    rdDepictor.Compute2DCoords(mol)
    mol.SetProp("_Name", name)
    for field, text in fields.items():
        mol.SetProp(field, text)
    return str(Chem.SDWriter.GetText(mol))
