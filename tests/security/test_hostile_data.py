"""Files from strangers: changed anywhere, they are refused in one line, or read as far as they are whole."""

import csv
import json
import random
import time
from contextlib import suppress

import pandas as pd
import pytest
from typer.testing import CliRunner

from molvae.cli.main import app
from molvae.config import parse_config
from molvae.errors import ConfigError, MolvaeError
from molvae.files import read_json, read_table
from molvae.optimize.spec import read_spec
from molvae.tables import MOLECULES
from molvae.vocabulary import Vocabulary


def changed(whole, rng):
    """Return bytes with a few changed, cut off, doubled, or put in."""
    content = bytearray(whole)
    kind = rng.choice(["flip", "flip", "cut", "double", "insert"])
    at = rng.randrange(len(content))
    if kind == "flip":
        for _ in range(rng.choice([1, 1, 8])):
            content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    elif kind == "cut":
        del content[at:]
    elif kind == "double":
        content[at:at] = content[at : at + 200]
    else:
        content[at:at] = bytes(rng.randrange(256) for _ in range(rng.choice([1, 30])))
    return bytes(content)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", ["molecules.parquet", "vocabulary.json", "summary.json", "rejected.csv"])
def test_a_changed_file_of_the_prepared_folder_is_refused_or_read(prepared, tmp_path, name):
    readers = {
        "molecules.parquet": MOLECULES.read,
        "vocabulary.json": Vocabulary.read,
        "summary.json": read_json,
        "rejected.csv": read_table,
    }
    whole, rng = (prepared / name).read_bytes(), random.Random(name)
    for _ in range(150):
        (tmp_path / name).write_bytes(changed(whole, rng))
        begin = time.monotonic()
        with suppress(MolvaeError):
            readers[name](tmp_path / name)
        assert time.monotonic() - begin < 10


HOSTILE = {
    "shell": "$(touch pwned);`touch pwned`|touch pwned&&touch pwned",
    "path": "../../pwned",
    "formula": "=cmd|' /C touch pwned'!A0",
    "terminal": "\x1b]0;title\x07\x1b[31m\u202egnp",
    "lines": "a\n$$$$\nb\r\n> <field>\n",
    "html": "<script>pwned=1</script><img src=x onerror=pwned=1>",
    "quotes": "\"',;\\",
}


@pytest.fixture
def hostile(tmp_path, smiles):
    """Return a table of molecules whose names, measurements and one column's name are hostile."""
    rows = [(text, name, f"{n}.5") for n, (text, name) in enumerate(zip(smiles, [*HOSTILE.values()] * 9, strict=False))]
    rows += [(text, text, text) for text in HOSTILE.values()]
    file = tmp_path / "hostile.csv"
    with file.open("w", newline="") as stream:
        csv.writer(stream).writerows([("smiles", "name", HOSTILE["formula"]), *rows])
    return file


def molvae(*arguments):
    ended = CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
    assert ended.exit_code == 0, ended.output


def test_hostile_names_stay_names_through_the_stages(hostile, tmp_path, model, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model.save(tmp_path / "model")
    settings = tmp_path / "run.json"
    prepare = {"id_column": "name", "validation_fraction": 0.2, "test_fraction": 0.2, "max_rejected": 1}
    settings.write_text(json.dumps({"prepare": prepare}))
    molvae("prepare", hostile, "--config", settings, "--out", "prepare")
    molvae("encode", "model", hostile, "--out", "codes.csv")
    molvae("score", hostile, "--reference", "prepare", "--out", "score")
    molvae("optimize", "model", "--objective", "qed", "--reference", "prepare", "--budget", 10, "--out", "optimize")
    assert {path.name for path in tmp_path.iterdir()} == {
        *("hostile.csv", "run.json", "model", "prepare", "codes.csv", "score", "optimize"),
    }
    assert not (tmp_path.parent / "pwned").exists()
    assert not (tmp_path.parent.parent / "pwned").exists()
    ids = read_table(tmp_path / "prepare" / "molecules.parquet", ["id"])["id"]
    assert all("\n" not in name and "\x1b" not in name for name in ids)
    for file in tmp_path.rglob("*.csv"):
        if file != hostile:
            with file.open(newline="") as stream:
                cells = [cell for row in csv.reader(stream) for cell in row]
            assert not [cell for cell in cells if cell[:1] in set("=+-@\t\r") and not is_number(cell)], file
    for file in tmp_path.rglob("*.sdf"):
        table = pd.read_csv(file.with_suffix(".csv"))
        n_molecules = table["valid"].sum() if "valid" in table else len(table)
        assert file.read_text().splitlines().count("$$$$") == n_molecules


def is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("name", [*HOSTILE.values(), "..", ".", "-rf", "a/b", "a\\b", "a b", "", "x" * 101, "a\n"])
def test_a_name_that_reaches_paths_is_a_plain_word(tmp_path, name):
    with pytest.raises(ConfigError, match="run"):
        parse_config({"run": name}, "test")
    file = tmp_path / "objective.yaml"
    file.write_text(json.dumps({"name": name, "terms": [{"property": "qed"}]}))
    with pytest.raises(MolvaeError, match="name"):
        read_spec(file)
    file.write_text(json.dumps({"name": "x", "terms": [{"property": "qed", "name": name}]}))
    with pytest.raises(MolvaeError, match="name"):
        read_spec(file)
