"""What the reader of every format of molecule files must do."""

import re
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from rdkit import Chem

from molvae.chem.molecules import canonical_smiles
from molvae.chem.open_file import COMPRESSIONS
from molvae.chem.reading import read_molecules
from molvae.errors import DataError

MOLECULES = {"one": "CCO", "two": "c1ccccc1", "three": "C[C@H](N)C(=O)O"}
CODECS = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}


def endings():
    """Return the endings that the package names where it refuses another."""
    with pytest.raises(DataError) as refusal:
        list(read_molecules(Path("molecules.other")))
    named = re.search(r"ending in ([^;]*?), each", str(refusal.value))
    return re.findall(r"\.\w+", named.group(1))


def write(path):
    """Write the molecules in the format of a file's ending."""
    table = pd.DataFrame({"smiles": MOLECULES.values(), "name": MOLECULES.keys()})
    if path.suffix in (".smi", ".smiles", ".ism", ".can"):
        path.write_text("".join(f"{smiles} {name}\n" for name, smiles in MOLECULES.items()), encoding="utf-8")
    elif path.suffix in (".csv", ".tsv", ".tab", ".txt"):
        table.to_csv(path, index=False, sep="," if path.suffix == ".csv" else "\t")
    elif path.suffix == ".parquet":
        table.to_parquet(path)
    else:
        assert path.suffix in (".sdf", ".sd"), f"a format without an example: {path.suffix}"
        with Chem.SDWriter(str(path)) as writer:
            for name, smiles in MOLECULES.items():
                mol = Chem.MolFromSmiles(smiles)
                mol.SetProp("_Name", name)
                writer.write(mol)


@pytest.fixture(params=endings())
def path(request, tmp_path):
    return tmp_path / f"molecules{request.param}"


def read(path):
    is_sdf = path.name.split(".")[1] in ("sdf", "sd")
    return list(read_molecules(path, id_column=None if is_sdf else "name"))


def test_it_reads_every_molecule_with_its_name_in_order(path):
    write(path)
    records = read(path)
    assert [record.id for record in records] == list(MOLECULES)
    assert [canonical_smiles(record.smiles) for record in records] == list(MOLECULES.values())
    assert {record.source for record in records} == {str(path)}
    assert [record.line for record in records] == sorted(record.line for record in records)
    assert records == read(path)


@pytest.mark.parametrize(("ending", "codec"), CODECS.items())
def test_it_reads_a_compressed_file_alike(path, ending, codec):
    write(path)
    packed = path.with_name(path.name + ending)
    with pa.CompressedOutputStream(str(packed), codec) as stream:
        stream.write(path.read_bytes())
    assert [record.smiles for record in read(packed)] == [record.smiles for record in read(path)]


def test_every_compression_is_tried():
    assert set(CODECS) == set(COMPRESSIONS)


def test_an_empty_file_is_refused_by_name(path):
    path.write_bytes(b"")
    with pytest.raises(DataError, match=path.name):
        read(path)


def test_a_missing_file_is_refused_by_name(path):
    with pytest.raises(DataError, match=path.name):
        read(path)
