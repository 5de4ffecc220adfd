"""What is loaded may come from a stranger: whatever is wrong with it ends in one line, and nothing of it runs."""

import json
import pickle
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import load_file, save_file

from molvae.errors import CheckpointError, DataError
from molvae.learned import fit, load
from molvae.learned.regressors import REGRESSORS

RECORD, TENSORS, TABLE = "learned.json", "learned.safetensors", "measurements.parquet"


@pytest.fixture(scope="session")
def saved(learned, tmp_path_factory):
    folder = tmp_path_factory.mktemp("learned") / "model"
    learned.save(folder)
    return folder


def only(monkeypatch, name):
    """Let one kind of model compete."""
    for other in set(REGRESSORS) - {name}:
        monkeypatch.delitem(REGRESSORS._entries, other)


def saved_alone(measurements, name, folder):
    with pytest.MonkeyPatch.context() as monkeypatch:
        only(monkeypatch, name)
        fit(measurements, seed=1).save(folder)
    return folder


@pytest.fixture
def gaussian(measurements, tmp_path):
    return saved_alone(measurements, "gaussian_process", tmp_path / "gaussian")


@pytest.fixture
def forest(measurements, tmp_path):
    return saved_alone(measurements, "extra_trees", tmp_path / "forest")


@pytest.fixture
def folder(saved, tmp_path):
    shutil.copytree(saved, tmp_path / "model")
    return tmp_path / "model"


def refused(folder, *words):
    with pytest.raises(CheckpointError) as caught:
        load(folder)
    message = str(caught.value)
    assert "\n" not in message
    assert str(folder) in message
    assert all(word in message for word in words), message


def edit_record(folder, change):
    content = json.loads((folder / RECORD).read_text())
    change(content)
    (folder / RECORD).write_text(json.dumps(content))


def edit_tensors(folder, **arrays):
    save_file({**load_file(folder / TENSORS), **arrays}, folder / TENSORS)


def edit_table(folder, **columns):
    table = pq.read_table(folder / TABLE)
    for name, values in columns.items():
        table = table.set_column(table.schema.get_field_index(name), name, pa.array(values))
    pq.write_table(table, folder / TABLE)


def test_it_comes_back_as_it_was(learned, saved, smiles):
    again = load(saved)
    for name in ("mean", "low", "high", "deviation", "in_domain", "nearest_value", "nearest_similarity"):
        assert np.array_equal(getattr(again.predict(smiles), name), getattr(learned.predict(smiles), name)), name
    assert again.validation == learned.validation
    assert again.column == learned.column


def test_the_domain_is_not_computed_again_but_for_a_folder_of_before(learned, folder, monkeypatch):
    threshold = learned.domain.threshold
    with monkeypatch.context() as patch:
        patch.setattr("molvae.learned.domain.nearest", lambda *_: pytest.fail("compared all molecules"))
        assert load(folder).domain.threshold == threshold
    edit_record(folder, lambda content: content.pop("domain_threshold"))
    assert load(folder).domain.threshold == threshold


def test_a_model_on_codes_keeps_its_encoder(measurements, model, monkeypatch, tmp_path):
    only(monkeypatch, "latent_gaussian_process")
    learned = fit(measurements, seed=1, model=model)
    learned.save(tmp_path / "m")
    assert np.allclose(load(tmp_path / "m").predict(["CCO"]).mean, learned.predict(["CCO"]).mean)


def test_all_parts_are_needed(folder):
    for name in (RECORD, TENSORS, TABLE):
        kept = (folder / name).read_bytes()
        (folder / name).unlink()
        with pytest.raises(DataError, match=name):
            load(folder)
        (folder / name).write_bytes(kept)


class _Boom:
    def __reduce__(self):
        return pytest.fail, ("it ran",)


@pytest.mark.parametrize("name", [RECORD, TENSORS, TABLE])
def test_a_pickle_is_not_run(folder, name):
    (folder / name).write_bytes(pickle.dumps(_Boom()))
    refused(folder)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda content: content.pop("validation"), ("validation", "found none")),
        (lambda content: content.update(encoder="/etc/passwd"), ("encoder", "unknown")),
        (lambda content: content["validation"].update(kept="../../somewhere"), ("kept", "../../somewhere")),
        (lambda content: content["validation"].update(kept="os.system"), ("kept", "os.system")),
        (lambda content: content.update(format=99), ("format", "99")),
        (lambda content: content.update(domain_threshold=1.5), ("domain_threshold", "1.5")),
        (lambda content: content.update(domain_threshold=float("nan")), ("domain_threshold",)),
        (lambda content: content["validation"]["candidates"][0]["random"].update(rmse=float("nan")), ("rmse", "nan")),
        (lambda content: content["validation"]["candidates"][0].update(scaffold=None), ("scaffold",)),
        (lambda content: content.update(rejected=[{"line": "x"}] * 5), ("rejected",)),
    ],
)
def test_a_record_that_is_not_one_is_refused(folder, change, words):
    edit_record(folder, change)
    refused(folder, RECORD, *words)


def test_json_without_end_is_refused(folder):
    (folder / RECORD).write_text("[" * 100_000)
    refused(folder)


def test_a_text_that_a_table_has_once_is_not_read_for_all_of_its_rows(folder):
    """Once, it is within the bytes of 120 molecules, and 120 times it is not."""
    table = pq.read_table(folder / TABLE)
    repeated = pa.DictionaryArray.from_arrays(pa.array([0] * len(table)), ["C" * 50_000])
    pq.write_table(table.set_column(0, "smiles", repeated), folder / TABLE, store_schema=False)
    refused(folder, TABLE, "expected at most 1200000 bytes")


def test_a_huge_record_is_not_read(folder):
    with (folder / RECORD).open("r+b") as file:
        file.truncate(1 << 31)
    refused(folder, RECORD, "at most")


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"kernel": np.ones(3)}, ("kernel",)),
        ({"kernel": np.ones((5, 5))}, ("kernel", "1 axes")),
        ({"kernel": np.full(5, np.nan)}, ("kernel", "finite")),
        ({"kernel": np.zeros(5)}, ("kernel",)),
        ({"rows": np.arange(120_000_0)}, ("rows", "at most 120")),
        ({"rows": np.array([5, 3])}, ("rows",)),
        ({"rows": np.array([500])}, ("rows",)),
        ({"rows": np.array([-1])}, ("rows",)),
        ({"rows": np.zeros(0, dtype=np.int64)}, ("rows",)),
        ({"noise": np.array(-1.0)}, ("noise",)),
        ({"noise": np.array(0.1, dtype=np.float32)}, ("noise", "float64")),
        ({"more": np.zeros(1)}, ("more",)),
    ],
)
def test_arrays_that_do_not_fit_are_refused(gaussian, arrays, words):
    edit_tensors(gaussian, **arrays)
    refused(gaussian, *words)


def test_a_header_that_promises_more_than_the_file_has_is_refused(folder):
    header = json.dumps({"kernel": {"dtype": "F64", "shape": [1 << 40], "data_offsets": [0, 1 << 43]}}).encode()
    (folder / TENSORS).write_bytes(len(header).to_bytes(8, "little") + header)
    refused(folder)


def columns(folder, name):
    return pq.read_table(folder / TABLE).column(name).to_pylist()


def test_a_table_that_does_not_fit_is_refused(folder):
    smiles, values = columns(folder, "smiles"), columns(folder, "value")
    for change, words in [
        ({"value": [float("nan"), *values[1:]]}, ("finite", "value")),
        ({"value": ["1"] * 120}, (TABLE,)),
        ({"smiles": ["not a molecule", *smiles[1:]]}, ("distinct molecules",)),
        ({"smiles": [None, *smiles[1:]]}, ("distinct molecules",)),
        ({"smiles": [smiles[1], *smiles[1:]]}, ("distinct molecules", "repeats")),
        ({"scaffold.deviation": [0.0, *values[1:]]}, ("positive",)),
    ]:
        before = (folder / TABLE).read_bytes()
        edit_table(folder, **change)
        refused(folder, TABLE, *words)
        (folder / TABLE).write_bytes(before)


def test_a_table_of_few_rows_is_refused(folder):
    pq.write_table(pq.read_table(folder / TABLE).slice(0, 5), folder / TABLE)
    refused(folder, TABLE, "rows, found 5")


def test_a_table_that_unpacks_to_far_more_is_not_read(folder):
    edit_table(folder, smiles=["C" * 300_000 + str(i) for i in range(120)])
    refused(folder, TABLE, "bytes")


def test_a_forest_whose_walks_might_not_end_is_refused(forest):
    state = load_file(forest / TENSORS)
    before = (forest / TENSORS).read_bytes()
    inner = int(np.flatnonzero(state["feature"] >= 0)[1])
    for name, value, words in [
        ("left", 0, "behind their parents"),
        ("right", inner, "behind their parents"),
        ("left", 1 << 30, "behind their parents"),
        ("feature", 5000, "features below"),
        ("feature", -1, "leaves without children"),
    ]:
        changed = state[name].copy()
        changed[inner] = value
        edit_tensors(forest, **{name: changed})
        refused(forest, words)
        (forest / TENSORS).write_bytes(before)
    edit_tensors(forest, roots=np.array([-5], dtype=np.int32))
    refused(forest, "roots")
    (forest / TENSORS).write_bytes(before)
    edit_tensors(forest, value=state["value"][:-1])
    refused(forest, "as many of each")


def test_a_forest_that_predicts_what_was_never_measured_is_refused(forest):
    edit_tensors(forest, value=load_file(forest / TENSORS)["value"] * 1e300)
    refused(forest, "values between the lowest and the highest")
