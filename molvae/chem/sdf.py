"""Write molecules as MDL SD files, which every program for chemists opens."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from rdkit import Chem
from rdkit.Chem import rdDepictor

from molvae.chem.parallel import chunks_of, map_tasks, processes_for
from molvae.files import replacing


@dataclass(frozen=True)
class _Chunk:
    smiles: list[str]
    names: list[str]
    fields: list[Mapping[str, Any]]


def write_sdf(path: Path, smiles: Sequence[str], names: Sequence[str], fields: pd.DataFrame, n_jobs: int = 1) -> None:
    """Write molecules with 2D coordinates.

    Args:
        path: The file to write.
        smiles: N valid SMILES.
        names: Their titles.
        fields: N rows whose columns become data fields; a missing value leaves its field out.
        n_jobs: Processes for large N.
    """
    rows = fields.to_dict("records")
    chunks = [
        _Chunk([smiles[at] for at in places], [names[at] for at in places], [_texts(rows[at]) for at in places])
        for places in chunks_of(range(len(smiles)))
    ]
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        for _, text in map_tasks(_sd_text, chunks, processes_for(len(smiles), n_jobs)):
            file.write(text)


def _texts(row: Mapping[Any, Any]) -> dict[str, str]:
    return {
        str(column): f"{value:.6g}" if isinstance(value, float) else str(value)
        for column, value in row.items()
        if not pd.isna(value) and value != ""
    }


def _sd_text(chunk: _Chunk) -> str:
    records = []
    for smiles, name, fields in zip(chunk.smiles, chunk.names, chunk.fields, strict=True):
        mol = Chem.MolFromSmiles(smiles)
        rdDepictor.Compute2DCoords(mol)
        mol.SetProp("_Name", name)
        for field, text in fields.items():
            mol.SetProp(field, text)
        records.append(Chem.SDWriter.GetText(mol))
    return "".join(records)
