"""A learned model as a folder: JSON, Parquet and safetensors, and so nothing that could run.

A folder may come from a stranger, so that whatever is read is checked before it is used: sizes and types before memory
is taken, and that the parts fit together before anything is computed.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field, ValidationError
from rdkit import Chem
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as tensor_bytes

from molvae.chem.molecules import MAX_SMILES_LENGTH, parse
from molvae.chem.parquet import batches
from molvae.chem.quiet import quiet
from molvae.errors import CheckpointError
from molvae.files import existing, write_json
from molvae.folders import replacing_files
from molvae.learned.measurements import MIN_MOLECULES, Measurements, Rejected
from molvae.learned.model import LearnedModel
from molvae.learned.regressors import REGRESSORS, State, TensorSpec
from molvae.learned.validation import HeldOut, Split, Validation
from molvae.provenance import software
from molvae.section import Section
from molvae.validation import explain

FORMAT = 1
RECORD, TENSORS, TABLE, ENCODER = "learned.json", "learned.safetensors", "measurements.parquet", "encoder"
FILES = (f"{ENCODER}/*", TENSORS, TABLE, RECORD)

_MAX_MOLECULES = 1_000_000
_MAX_RECORD_BYTES = 16_000_000
_MAX_FAULTS = 3
_MAX_SHOWN = 300
# As safetensors calls them.
_DTYPES = {"int32": "I32", "int64": "I64", "float64": "F64"}


class Record(Section):
    """What `learned.json` says."""

    format: Literal[1]
    """Format of the folder."""
    column: Annotated[str, Field(max_length=1000)]
    """Name of the measured column."""
    seed: Annotated[int, Field(ge=0)]
    """The seed that the model was fitted with."""
    n_censored: Annotated[int, Field(ge=0)]
    """Bounds that were not taken as values."""
    rejected: Annotated[tuple[Rejected, ...], Field(max_length=100_000)]
    """Rows that could not be read."""
    validation: Validation
    """The models that competed."""
    domain_threshold: Annotated[float, Field(ge=0.0, le=1.0)] | None = None
    """Similarity from which on a molecule is in the applicability domain; computed again where a folder lacks it."""
    software: dict[str, str]
    """The version of molvae that it was fitted with."""


def save(learned: LearnedModel, folder: Path) -> None:
    """Save a learned model; see `LearnedModel.save`."""
    with replacing_files(folder, FILES) as temporary:
        write(learned, temporary)


def write(learned: LearnedModel, folder: Path) -> None:
    """Write a learned model to an empty folder."""
    measured = learned.measurements
    columns: list[Any] = [measured.smiles, measured.values, measured.n_repeats]
    for held in learned.held_out.values():
        columns += [held.folds, held.mean, held.deviation]
    record = Record(
        format=FORMAT,
        column=learned.column,
        seed=learned.seed,
        n_censored=measured.n_censored,
        rejected=measured.rejected,
        validation=learned.validation,
        domain_threshold=learned.domain.threshold,
        software=software(),
    )
    pq.write_table(pa.table(columns, schema=_schema(list(learned.held_out))), folder / TABLE)
    state = {name: np.array(array, order="C") for name, array in learned.regressor.state().items()}
    (folder / TENSORS).write_bytes(tensor_bytes(state))
    if learned.encoder is not None:
        learned.encoder.save(folder / ENCODER)
    write_json(folder / RECORD, record.model_dump(mode="json"))


def load(folder: str | Path) -> LearnedModel:
    """Load a learned model from its folder.

    Raises:
        DataError: If there is no such folder, or a file of it is missing.
        CheckpointError: If a file is not what `LearnedModel.save` writes, or the files do not fit together.
    """
    folder = Path(folder)
    record_file, table_file, tensor_file = (existing(folder / name) for name in (RECORD, TABLE, TENSORS))
    try:
        record = _read_record(record_file)
        measurements, held_out = _read_table(table_file, record)
        kind = REGRESSORS[record.validation.kept]
        state = _read_tensors(tensor_file, kind.tensors(len(measurements)))
        encoder = None
        if kind.needs_model:
            from molvae.model.loading import load as load_model

            encoder = load_model(folder / ENCODER)
        with quiet():
            mols = [Chem.MolFromSmiles(smiles) for smiles in measurements.smiles]
            features = kind.describe(mols, measurements.smiles, encoder)
        regressor = kind.from_state(state, features, measurements.values)
    except (ValueError, OSError, SafetensorError, pa.ArrowException, RecursionError) as error:
        raise CheckpointError(
            f"{folder}: expected a model that `molvae learn` wrote, found parts that are not "
            f"({' '.join(str(error).split())[:_MAX_SHOWN]}); learn it again"
        ) from error
    return LearnedModel(
        measurements, record.validation, held_out, regressor, record.seed, encoder, record.domain_threshold
    )


def _read_record(path: Path) -> Record:
    if path.stat().st_size > _MAX_RECORD_BYTES:
        raise ValueError(f"{RECORD}: expected at most {_MAX_RECORD_BYTES} bytes, found {path.stat().st_size}")
    content = json.loads(path.read_text(encoding="utf-8"))
    try:
        record = Record.model_validate(content)
    except ValidationError as error:
        faults = "; ".join(explain(Record, fault) for fault in error.errors()[:_MAX_FAULTS])
        raise ValueError(f"{RECORD}: {faults}") from error
    if record.validation.kept not in REGRESSORS:
        raise ValueError(f"{RECORD}: expected one of {', '.join(REGRESSORS)}, found {record.validation.kept!r}")
    return record


def _schema(splits: list[Split]) -> pa.Schema:
    """Return the columns of the table of measurements."""
    held_out = [("fold", pa.int64()), ("mean", pa.float64()), ("deviation", pa.float64())]
    columns = [("smiles", pa.string()), ("value", pa.float64()), ("n_repeats", pa.int64())]
    return pa.schema([*columns, *((f"{split}.{name}", kind) for split in splits for name, kind in held_out)])


def _read_table(path: Path, record: Record) -> tuple[Measurements, dict[Split, HeldOut]]:
    """Read the measured molecules with their held-out predictions."""
    splits = record.validation.splits
    file = pq.ParquetFile(path)
    n = file.metadata.num_rows
    _require(MIN_MOLECULES <= n <= _MAX_MOLECULES, TABLE, f"{MIN_MOLECULES} to {_MAX_MOLECULES} rows", n)
    max_bytes = n * MAX_SMILES_LENGTH
    n_bytes = sum(file.metadata.row_group(i).total_byte_size for i in range(file.metadata.num_row_groups))
    _require(n_bytes <= max_bytes, TABLE, f"at most {max_bytes} bytes", n_bytes)
    schema = _schema(splits)
    _require(file.schema_arrow.remove_metadata().equals(schema), TABLE, str(schema), file.schema_arrow)
    rows, n_bytes = [], 0
    # What the file has once may be in all rows.
    for batch in batches(file):
        rows.append(batch)
        n_bytes += batch.nbytes
        _require(n_bytes <= max_bytes, TABLE, f"at most {max_bytes} bytes", n_bytes)
    table = pa.Table.from_batches(rows)
    columns = {name: table.column(name).to_numpy() for name in schema.names if name != "smiles"}
    smiles = table.column("smiles").to_pylist()
    with quiet():
        faulty = [text for text in smiles if text is None or parse(text) is None]
    _require(not faulty and len(set(smiles)) == n, TABLE, "distinct molecules", faulty[0] if faulty else "repeats")
    for name, column in columns.items():
        _require(bool(np.isfinite(column).all()), TABLE, f"finite numbers in {name}", "others")
        if name.endswith("deviation"):
            _require(bool((column > 0.0).all()), TABLE, f"positive numbers in {name}", "others")
    measurements = Measurements(
        record.column, smiles, columns["value"], columns["n_repeats"], record.n_censored, record.rejected
    )
    held_out = {
        split: HeldOut(columns[f"{split}.fold"], columns[f"{split}.mean"], columns[f"{split}.deviation"])
        for split in splits
    }
    return measurements, held_out


def _read_tensors(path: Path, specs: Mapping[str, TensorSpec]) -> State:
    """Read arrays after a look at the header alone: names, types and sizes."""
    state: State = {}
    with safe_open(path, framework="numpy") as file:
        names = list(file.keys())
        _require(set(names) == set(specs), TENSORS, f"the arrays {', '.join(specs)}", ", ".join(names))
        for name, spec in specs.items():
            described = file.get_slice(name)
            shape, dtype = described.get_shape(), described.get_dtype()
            fits = dtype == _DTYPES[spec.dtype] and len(shape) == spec.ndim and int(np.prod(shape)) <= spec.max_size
            expected = f"{name} of type {spec.dtype}, {spec.ndim} axes and at most {spec.max_size} elements"
            _require(fits, TENSORS, expected, f"{dtype} {shape}")
        for name in specs:
            state[name] = file.get_tensor(name)
            _require(bool(np.isfinite(state[name]).all()), TENSORS, f"finite numbers in {name}", "others")
    return state


def _require(condition: bool, file: str, expected: str, found: object) -> None:
    """Raise a ValueError for a file that is not as expected."""
    if not condition:
        raise ValueError(f"{file}: expected {expected}, found {found}")
