"""Every stage writes the tables that `molvae.tables` describes."""

import re

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from molvae import tables
from molvae.chem.descriptors import PROPERTIES
from molvae.errors import DataError
from molvae.files import read_table, write_table
from molvae.tables import TABLES, Column, TableSchema

OBJECTIVE = """
name: polar
mean: pareto
terms:
  - property: tpsa
    maximise: {low: 0, high: 200}
  - property: qed
"""
SETTINGS = """
prepare: {id_column: id, properties: {pIC50: M}, validation_fraction: 0.2, test_fraction: 0.2}
train:
  {embedding_dim: 8, encoder_hidden: 8, decoder_hidden: 16, latent_dim: 4, epochs: 1, batch_size: 64,
  property_head: {pIC50: 1}, priors: [decoder], prior_samples: 20, min_probabilities: [0], rejected_fractions: [0]}
evaluate: {n_reconstruct: 20, n_samples: 20, n_latent: 10, n_map: 20}
sample: {n: 30}
optimize: {budget: 30, batch_size: 10, n_start: 10, n_candidates: 5}
"""
FOLDERS = {
    "molecules.parquet": "prepare",
    "rejected.csv": "prepare",
    "history.csv": "train",
    "latent_map.parquet": "evaluate",
    "reconstructions.csv": "evaluate",
    "samples.csv": "sample",
    "trace.parquet": "optimize",
    "times.csv": "optimize",
    "candidates.csv": "optimize",
    "plate.csv": "propose",
    "front.csv": "optimize",
    "molecules.csv": "score",
}


def faults(schema: TableSchema, table: pd.DataFrame) -> list[str]:
    """Return where a table differs from its schema."""
    missing = [f"{name} is missing" for name in schema.required if name not in table]
    descriptors = {name: Column(name, "float64", "") for name in PROPERTIES} if schema.has_descriptors else {}
    known = {name: descriptors.get(name) or schema.column(name) for name in table}
    unknown = [f"{name} is unknown" for name, column in known.items() if column is None]
    wrong = [
        f"{name} is {table[name].dtype}, not {column.dtype}"
        for name, column in known.items()
        if column is not None and not has_dtype(table[name], column.dtype)
    ]
    order = [name for name in table if name in schema.names]
    return missing + unknown + wrong + ([] if order == sorted(order, key=schema.names.index) else [f"order: {order}"])


def has_dtype(values: pd.Series, dtype: str) -> bool:
    """Say whether a column is of a type; in a CSV file, whose types are guessed, also one without values."""
    present = values.dropna()
    if dtype in ("str", "Int64") and present.empty:
        return True
    is_number = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    return {
        "str": pd.api.types.is_string_dtype(values),
        "bool": pd.api.types.is_bool_dtype(values),
        "int64": pd.api.types.is_integer_dtype(values),
        "Int64": is_number and bool((present == np.round(present)).all()),
        "float64": is_number,
    }[dtype]


@pytest.fixture(scope="module")
def run(tmp_path_factory, smiles):
    """Return the folder of a run in which every stage has done its work by the command line."""
    from molvae.cli.main import app

    folder = tmp_path_factory.mktemp("run")
    rows = [f"{molecule},m{number},{5 + number % 7 / 10}" for number, molecule in enumerate(smiles[:150])]
    (folder / "in.csv").write_text("\n".join(["smiles,id,pIC50", *rows, "C[Si](C)(C)C1CC1[U],bad,1\n"]))
    catalogue = [f"{molecule},A-{number}" for number, molecule in enumerate(smiles[150:200])]
    (folder / "pool.csv").write_text("\n".join(["smiles,catalogue", *catalogue]))
    (folder / "polar.yaml").write_text(OBJECTIVE)
    (folder / "run.yaml").write_text(SETTINGS)
    model = "train/model"
    commands = [
        "prepare in.csv --out prepare",
        "train prepare --out train",
        f"evaluate {model} --reference prepare --out evaluate",
        f"sample {model} --out sample/samples.csv",
        f"optimize {model} --objective polar.yaml --reference prepare --out optimize",
        f"propose {model} --measured in.csv --column pIC50 --pool pool.csv --n 8 --out propose/plate.csv",
        f"score sample/samples.csv --reference prepare --model {model} --out score",
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for command in commands:
            words = [*command.split(), "--config", "run.yaml"]
            result = CliRunner().invoke(app, words, catch_exceptions=False)
            assert result.exit_code == 0, (command, result.output)
    return folder


@pytest.mark.parametrize("schema", TABLES, ids=lambda schema: schema.file)
def test_the_stage_writes_what_the_schema_says(run, schema):
    assert faults(schema, read_table(run / FOLDERS[schema.file] / schema.file)) == []


def test_the_prefixed_columns_are_written_and_read(run):
    assert f"{tables.MEASURED}pIC50" in read_table(run / "prepare" / "molecules.parquet")
    assert any(name.startswith(tables.TERM) for name in read_table(run / "optimize" / "trace.parquet"))
    assert "train_property_nats" in read_table(run / "train" / "history.csv")


def test_every_table_between_stages_is_listed(run):
    written = {path.name for ending in ("csv", "parquet") for path in run.glob(f"*/*.{ending}")}
    assert written == {schema.file for schema in TABLES}


@pytest.mark.parametrize("schema", TABLES, ids=lambda schema: schema.file)
def test_every_column_has_a_name_of_its_own_and_a_meaning(schema):
    assert len(set(schema.names)) == len(schema.names)
    assert all(column.meaning.endswith(".") for column in (*schema.columns, *schema.prefixes))


@pytest.mark.parametrize("schema", TABLES, ids=lambda schema: schema.file)
def test_a_missing_column_is_named(schema, tmp_path):
    path = tmp_path / schema.file
    *others, last = schema.required
    write_table(path, pd.DataFrame({name: ["x"] for name in others or ["other"]}))
    with pytest.raises(DataError, match=re.escape(f"{schema.file}: expected the columns ['{last}'], found")):
        schema.read(path)
    with pytest.raises(DataError, match=re.escape(f"expected the columns ['{last}'], found")):
        schema.read(path, [last])


def test_a_column_is_found_by_its_name_or_prefix():
    assert tables.MOLECULES.column("smiles").dtype == "str"
    assert tables.MOLECULES.column("property.pIC50").dtype == "float64"
    assert tables.MOLECULES.column("pIC50") is None


def test_text_that_looks_like_a_number_stays_text(tmp_path):
    (tmp_path / "molecules.csv").write_text("smiles,nearest_train_id\nCCO,0001234\nCCN,\n")
    table = tables.SCORED_MOLECULES.read(tmp_path / "molecules.csv", ["smiles", "nearest_train_id"])
    assert table["nearest_train_id"].tolist()[0] == "0001234"
    assert table["nearest_train_id"].isna().tolist() == [False, True]
