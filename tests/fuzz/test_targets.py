"""Whatever bytes or values come in, what reads them gives a result or one of molvae's own errors, in time."""

import bz2
import gzip
import io
import json
import math
import shutil
from contextlib import suppress
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from rdkit import Chem

import molvae
from molvae.chem.measurements import DecimalMarks, read_measurement
from molvae.chem.molecules import canonical_smiles
from molvae.chem.quiet import quiet
from molvae.chem.reading import Columns, read_molecules, read_records
from molvae.chem.selfies_codec import read_tokens, selfies_constraints, smiles_to_selfies
from molvae.config import RunConfig, load_config, parse_config
from molvae.errors import MolvaeError
from molvae.learned import fit
from molvae.learned import load as load_learned
from molvae.learned.measurements import Measurements
from molvae.learned.regressors import REGRESSORS
from molvae.model.discriminator import Discriminator, features_of
from molvae.optimize.calls import CallRecord
from molvae.optimize.objective import BUILTIN, load_objective
from molvae.optimize.score_cache import ScoreCache
from molvae.optimize.spec import read_spec
from molvae.untrusted import parse_json, parse_yaml
from molvae.verification import verify
from molvae.vocabulary import BOS, EOS, PAD, Vocabulary
from tests.fixtures.property_head import with_head
from tests.fuzz.inputs import IS_RANDOM, N_INPUTS, changed, changed_smiles, changed_values, fuzzed

# Of hypothesis, for a long input that fails: as an error it would hide what failed.
pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")

ROOT = Path(__file__).parents[2]
SEEDS = [path for path in sorted((ROOT / "tests" / "cases").iterdir()) if path.suffix not in (".gz", ".bz2", ".zst")]
PACK = {
    "": bytes,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".zst": lambda content: pa.compress(content, "zstd", asbytes=True),
}


def parquet():
    buffer = io.BytesIO()
    pd.DataFrame({"smiles": ["CCO", None, "c1ccccc1"], "id": ["a", "b", "c"], "pKi": [1.5, 2.0, None]}).to_parquet(
        buffer
    )
    return buffer.getvalue()


def of_format(ending):
    return [path.read_bytes() for path in SEEDS if path.suffix == ending] or [b"CCO a\nc1ccccc1 b\n"]


def write(folder, name, content):
    """Write an input; the file of the one before is replaced."""
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


@pytest.fixture
def reached():
    """Return a list for the inputs that get as far as what is asserted: of the fixed ones, a third must."""
    inputs = []
    yield inputs
    assert IS_RANDOM or len(inputs) >= N_INPUTS / 3


@pytest.mark.parametrize("packing", PACK)
@pytest.mark.parametrize("ending", [".smi", ".csv", ".tsv", ".txt", ".sdf", ".parquet"])
def test_a_reader_gives_records_or_one_clear_error(folder, ending, packing):
    seeds = [parquet()] if ending == ".parquet" else of_format(ending)

    @fuzzed
    @given(changed(*seeds), st.booleans())
    def read(content, pack_first):
        packed = content if pack_first else PACK[packing](content)
        path = write(folder, f"input{ending}{packing}", packed)
        with quiet(), suppress(MolvaeError):
            for record in read_molecules(path, may_be_empty=True):
                assert record.line >= 1
                assert record.id
                assert "\n" not in record.id
                assert record.smiles or record.problem

    read()


CELL = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0", exclude_categories=["Cs"]), max_size=15)


@fuzzed
@given(st.lists(st.tuples(st.sampled_from(["CCO", "c1ccccc1", "[Na+].[Cl-]", "?"]), CELL), min_size=1, max_size=8))
def test_no_row_of_a_table_is_lost(tmp_path_factory, rows):
    path = tmp_path_factory.getbasetemp() / "rows.csv"
    pd.DataFrame(rows, columns=["smiles", "name"]).to_csv(path, index=False)
    records = list(read_molecules(path, "smiles", "name"))
    assert [record.smiles for record in records] == [smiles for smiles, _ in rows]


@fuzzed
@given(st.lists(st.tuples(st.floats(), CELL), min_size=1, max_size=8))
def test_a_measured_table_gives_a_value_a_bound_or_what_could_not_be_read(tmp_path_factory, rows):
    path = tmp_path_factory.getbasetemp() / "measured.csv"
    table = pd.DataFrame(rows, columns=["pKi", "note"]).assign(smiles="CCO")
    table.to_csv(path, index=False)
    marks = DecimalMarks(2)
    records = list(marks.seen(read_records(path, Columns("smiles", None, ("pKi", "note")))))
    assert len(records) == len(rows)
    for record, (number, _) in zip(records, rows, strict=True):
        for text in record.extra:
            measured = marks.decimal_commas.read(text, record.source)
            said = [part for part in (measured.value, measured.censored, measured.unreadable) if part is not None]
            assert len(said) <= 1
            assert measured.value is None or math.isfinite(measured.value)
        if math.isfinite(number):
            assert read_measurement(record.extra[0]).value == pytest.approx(number)


@fuzzed
@given(st.one_of(st.text(max_size=30), st.from_regex(r"[<>≤=~]{0,2}\s?[-+]?[0-9.,]{0,8}([eE][-+]?[0-9]{1,4})?")))
def test_any_cell_of_a_measured_column_is_read(text):
    for comma_is_decimal, point_may_group in product((False, True), repeat=2):
        measured = read_measurement(text, comma_is_decimal=comma_is_decimal, point_may_group=point_may_group)
        assert measured.value is None or math.isfinite(measured.value)


TOKENS = [
    *("[C]", "[=C]", "[#C]", "[N]", "[O]", "[=O]", "[S]", "[F]", "[Cl]", "[P]", "[B]", "[Si]", "[Se]", "[13C]", "."),
    *("[Ring1]", "[Ring2]", "[=Ring1]", "[Ring3]", "[-/Ring1]", "[Branch1]", "[=Branch1]", "[#Branch2]", "[nop]"),
    *("[C@@H1]", "[C@H1]", "[N+1]", "[O-1]", "[NH1]", "[S+1]", "[=N+1]", "[P@@]", "[/C]", "[\\C]", "[epsilon]"),
]
VOCABULARY = Vocabulary((PAD, BOS, EOS, *TOKENS))


@fuzzed
@given(st.lists(st.integers(0, len(VOCABULARY) - 1), max_size=80), st.sampled_from(["default", "octet_rule"]))
def test_any_tokens_decode_to_a_canonical_molecule_or_to_none(token_ids, constraints):
    [smiles] = read_tokens([token_ids], VOCABULARY, constraints)
    assert smiles is None or canonical_smiles(smiles) == smiles


def without_stereo(smiles):
    return Chem.MolToSmiles(Chem.MolFromSmiles(smiles), isomericSmiles=False)


@fuzzed
@given(st.lists(st.sampled_from(TOKENS), max_size=60))
def test_what_selfies_made_a_molecule_has_a_selfies_that_gives_it_again(reached, tokens):
    [smiles] = read_tokens([[VOCABULARY.tokens.index(token) for token in tokens]], VOCABULARY, "default")
    with quiet():
        selfies = None if smiles is None else smiles_to_selfies(smiles)
        if selfies is not None:
            own = Vocabulary.from_selfies([selfies])
            [again] = read_tokens([own.encode(selfies)], own, "default")
            reached.append(tokens)
            assert without_stereo(again) == without_stereo(smiles)


with gzip.open(ROOT / "data" / "demo.smi.gz", "rt") as lines:
    DEMO_SMILES = [next(lines).split()[0] for _ in range(50)]


def selfies_of(text):
    """Return the SELFIES of a SMILES, which its own vocabulary encodes and decodes, or None."""
    with quiet(), selfies_constraints("default"):
        smiles = canonical_smiles(text)
        selfies = None if smiles is None else smiles_to_selfies(smiles)
        if selfies is not None:
            own = Vocabulary.from_selfies([selfies])
            assert own.decode(own.encode(selfies)) == selfies
        return selfies


@fuzzed
@given(st.one_of(st.text(max_size=60), st.text("CNOSPFIclnosp[]()=#@+-/\\123456789%.*:$~|^", max_size=60)))
def test_any_text_is_a_smiles_with_or_without_selfies_or_none(text):
    selfies_of(text)


@fuzzed
@given(changed_smiles(DEMO_SMILES))
def test_a_changed_smiles_is_one_with_or_without_selfies_or_none(reached, text):
    if selfies_of(text) is not None:
        reached.append(text)


CONFIGS = [yaml.safe_load(path.read_text()) for path in sorted((ROOT / "workflow" / "config").glob("*.yaml"))]
WHOLE_CONFIG = RunConfig().model_dump(mode="json")


@fuzzed
@given(changed_values([*CONFIGS, WHOLE_CONFIG]))
def test_any_settings_are_a_config_or_one_line_of_error(reached, content):
    if isinstance(content, dict):
        with suppress(MolvaeError):
            config = parse_config(content, "fuzz")
            reached.append(content)
            assert parse_config(config.model_dump(mode="json"), "again") == config


@fuzzed
@given(changed(*(path.read_bytes() for path in sorted((ROOT / "workflow" / "config").glob("*.yaml")))))
def test_any_file_of_settings_is_a_config_or_one_line_of_error(tmp_path_factory, content):
    path = write(tmp_path_factory.getbasetemp(), "settings.yaml", content)
    with suppress(MolvaeError):
        load_config(path)


OBJECTIVES = [*BUILTIN.glob("*.yaml"), *(ROOT / "workflow" / "config" / "objectives").glob("*.yaml")]
USER_OBJECTIVE = {
    "name": "mine",
    "mean": "arithmetic",
    "terms": [
        {"command": "sh score.sh", "timeout_s": 3, "memory_gb": 1},
        {"python": "module:function", "weight": 2},
        {"property": "logp", "window": {"low": 1, "high": 3, "width": 0.5}, "name": "greasy"},
        {"count": "[OH]", "maximise": {"low": 0, "high": 3}},
        {"similarity": {"to": "CCO", "fingerprint": "ECFP4"}, "clip": {"upper": 0.5}},
    ],
    "constraints": [{"property": "rings", "min": 1, "max": 4}, {"has": "c"}, {"alerts": ["PAINS"]}],
}


@fuzzed
@given(changed_values([USER_OBJECTIVE, *(yaml.safe_load(path.read_text()) for path in sorted(OBJECTIVES))]))
def test_any_objective_is_one_or_one_line_of_error_and_runs_nothing(tmp_path_factory, reached, content):
    path = tmp_path_factory.getbasetemp() / "values.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8", errors="replace")
    with suppress(MolvaeError):
        spec = read_spec(path)
        path.write_text(yaml.safe_dump(spec.model_dump(mode="json", exclude_none=True)))
        reached.append(content)
        assert read_spec(path) == spec


@fuzzed
@given(changed(*(path.read_bytes() for path in sorted(OBJECTIVES))))
def test_any_objective_file_is_one_or_one_line_of_error(tmp_path_factory, content):
    path = write(tmp_path_factory.getbasetemp(), "objective.yaml", content)
    with suppress(MolvaeError):
        load_objective(str(path))


@fuzzed
@given(
    st.one_of(st.binary(max_size=80), changed(b"a: &a [1, 2]\nb: *a\nc: {<<: {d: 1}}\n", b'{"a": [1, {"b": null}]}'))
)
def test_any_text_is_json_and_yaml_or_none(content):
    text = content.decode(errors="replace")
    with suppress(ValueError):
        parse_json(text)
    with suppress(yaml.YAMLError):
        parse_yaml(text)


@pytest.fixture(scope="module")
def saved(model, smiles, tmp_path_factory):
    """A model with all that a folder may hold: priors, a property head and a discriminator."""
    whole = with_head(model)
    whole.discriminator = Discriminator.fit(features_of(smiles[:40]), np.arange(40) < 20)
    path = tmp_path_factory.mktemp("saved") / "model"
    whole.save(path)
    return path


def load_changed(saved, folder, name, content):
    """Load a model one of whose files is another, with and without the checksums that would tell."""
    shutil.copytree(saved, folder / "model", dirs_exist_ok=True)
    write(folder / "model", name, content)
    with suppress(MolvaeError):
        loaded = molvae.load(folder / "model", "cpu")
        loaded.sample(1, seed=1)


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "vocabulary.json"])
def test_a_model_with_a_changed_file_loads_or_is_refused(saved, folder, name):
    config = json.loads((saved / "config.json").read_text())
    del config["sha256"]
    whole = (saved / name).read_bytes()

    @fuzzed
    @given(changed(whole), st.booleans())
    def load(content, without_checksums):
        load_changed(saved, folder, name, content)
        if without_checksums and name != "config.json":
            write(folder / "model", "config.json", json.dumps(config).encode())
            with suppress(MolvaeError):
                molvae.load(folder / "model", "cpu")

    load()


def test_a_model_of_any_config_loads_or_is_refused(saved, folder):
    config = json.loads((saved / "config.json").read_text())
    del config["sha256"]

    @fuzzed
    @given(changed_values([config]))
    def load(content):
        load_changed(saved, folder, "config.json", json.dumps(content).encode())

    load()


@pytest.fixture(scope="module", params=["gaussian_process", "extra_trees"])
def learned(request, smiles, tmp_path_factory):
    """The folder of a learned model of the one kind."""
    n = 20
    measured = Measurements("pKi", smiles[:n], np.linspace(5.0, 8.0, n), np.ones(n, dtype=np.int64))
    path = tmp_path_factory.mktemp("learned") / "model"
    with pytest.MonkeyPatch.context() as monkeypatch:
        for other in set(REGRESSORS) - {request.param}:
            monkeypatch.delitem(REGRESSORS._entries, other)
        fit(measured, seed=1).save(path)
    return path


@pytest.mark.parametrize("name", ["learned.json", "learned.safetensors", "measurements.parquet"])
def test_a_learned_model_with_a_changed_file_predicts_or_is_refused(learned, folder, name):
    whole = (learned / name).read_bytes()

    @fuzzed
    @given(changed(whole))
    def predict(content):
        copy = folder / "learned"
        shutil.copytree(learned, copy, dirs_exist_ok=True)
        write(copy, name, content)
        with suppress(MolvaeError):
            assert np.isfinite(load_learned(copy).predict(["CCO"]).mean).all()

    predict()


def test_a_shared_cache_of_scores_that_was_changed_is_read_or_refused(folder):
    objective = load_objective("qed")
    file = folder / "scores.sqlite"
    ScoreCache(file, objective).add(objective.evaluate_batch(["CCO", "CCN", "c1ccccc1"]))
    whole = file.read_bytes()

    @fuzzed
    @given(changed(whole))
    def get(content):
        write(folder, file.name, content)
        with suppress(MolvaeError):
            cache = ScoreCache(file, objective)
            assert len(cache.get(["CCO", "CCC"])) <= 2

    get()


def test_recorded_calls_that_were_changed_are_read_as_far_as_they_are_whole(folder):
    objective = load_objective("qed")
    resume = folder / "resume"
    shutil.rmtree(resume, ignore_errors=True)
    CallRecord(objective, resume)
    with (resume / "calls.csv").open("a") as file:
        file.write("0,start,CCO,0.5,True,ok,,,0.5,1.0\n1,prior,CCN,nan,False,failed,,why,nan,2.0\n")
    names = ("calls.csv", "objective.json")
    whole = {name: (resume / name).read_bytes() for name in names}

    @fuzzed
    @given(st.sampled_from(names), st.data())
    def reopen(name, data):
        shutil.rmtree(resume)
        resume.mkdir()
        for other in names:
            write(resume, other, whole[other])
        write(resume, name, data.draw(changed(whole[name])))
        with suppress(MolvaeError):
            assert len(CallRecord(objective, resume)) <= 8

    reopen()


def test_any_provenance_is_compared_or_refused(folder):
    run = folder / "run"
    run.mkdir(exist_ok=True)
    write(run, "a.csv", b"smiles\n")
    entry = {"bytes": 7, "sha256": "0" * 64}
    software = {"date": "2026-01-01", "source": "c", "versions": {"molvae": "1"}, "sources": {"a": "b"}}
    provenance = {"run": "x", **software, "inputs": {"in.smi": entry}, "outputs": {"a.csv": entry}}

    @fuzzed
    @given(changed_values([provenance]))
    def compare(content):
        write(run, "provenance.json", json.dumps(content).encode())
        with suppress(MolvaeError):
            verify(run).lines()

    compare()
