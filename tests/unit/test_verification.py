import json
import shutil
import zipfile

import pytest
from typer.testing import CliRunner

from molvae.cli.main import app
from molvae.config import RunConfig
from molvae.crate import archive
from molvae.errors import ConfigError, DataError
from molvae.files import read_json, write_json
from molvae.provenance import described, gather
from molvae.verification import verify


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return a folder with an input and a run of a few files that has its provenance."""
    folder = tmp_path_factory.mktemp("place")
    (folder / "in.smi").write_text("CCO\n")
    run = folder / "results" / "demo"
    for name in (
        "prepare/molecules.parquet",
        "sample/samples.csv",
        "report.html",
        "report/figures/a.svg",
        "logs/a.log",
    ):
        (run / name).parent.mkdir(parents=True, exist_ok=True)
        (run / name).write_text(name)
    write_json(run / "prepare" / "summary.json", {"software": {"source": "older"}})
    config = RunConfig.model_validate({"prepare": {"input": [str(folder / "in.smi")]}, "optimize": {"objectives": []}})
    write_json(run / "provenance.json", gather(run, config))
    return folder


@pytest.fixture
def run(made, tmp_path):
    return shutil.copytree(made / "results" / "demo", tmp_path / "demo")


def test_a_run_that_was_left_alone_fits(run):
    verification = verify(run)
    assert verification.fits
    assert verification.n_files == 4
    assert verification.lines() == ["prepare/summary.json: made by another version of molvae"]


def test_what_changed_is_gone_or_is_new_is_named(run):
    (run / "sample" / "samples.csv").write_text("CC")
    (run / "prepare" / "molecules.parquet").unlink()
    (run / "sample" / "more.csv").write_text("C")
    (run / "resume").mkdir()
    (run / "resume" / "checkpoint.pt").write_text("")
    verification = verify(run)
    assert not verification.fits
    assert verification.changed == ("sample/samples.csv",)
    assert verification.missing == ("prepare/molecules.parquet",)
    assert verification.added == ("sample/more.csv",)


def test_an_input_that_changed_does_not_fit_and_one_that_is_elsewhere_is_told(made, run):
    provenance = read_json(run / "provenance.json")
    [name] = provenance["inputs"]
    write_json(run / "provenance.json", provenance | {"inputs": {"elsewhere.smi": provenance["inputs"][name]}})
    assert verify(run).fits
    assert verify(run).unknown == ("elsewhere.smi",)
    write_json(run / "provenance.json", provenance | {"inputs": {name: {"bytes": 1, "sha256": "0" * 64}}})
    assert verify(run).changed == (name,)


@pytest.mark.parametrize(
    "change",
    [
        {"outputs": {"../../etc/passwd": {"bytes": 1, "sha256": "0"}}},
        {"outputs": {"/etc/passwd": {"bytes": 1, "sha256": "0"}}},
        {"outputs": ["a"]},
        {"outputs": {"a": "b"}},
        {"inputs": None},
    ],
)
def test_a_provenance_of_others_that_reaches_out_of_the_run_is_refused(run, change):
    write_json(run / "provenance.json", read_json(run / "provenance.json") | change)
    with pytest.raises(DataError, match=r"provenance\.json"):
        verify(run)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"date": None}, "expected text as date, found None"),
        ({"source": ["x"]}, "expected text as source"),
        ({"run": 5}, "expected text as run, found 5"),
        ({"versions": {"torch": "2"}}, "expected versions with that of molvae"),
        ({"versions": "1"}, "expected versions with that of molvae"),
        ({"outputs": {"a": {"sha256": "0"}}}, "expected outputs with their bytes and a SHA-256 each"),
        ({"outputs": {"a": {"bytes": "1", "sha256": "0"}}}, "expected outputs with their bytes"),
        ({"inputs": {"a": {"bytes": 1, "sha256": {}}}}, "expected inputs with their bytes"),
    ],
)
def test_a_provenance_without_what_an_archive_says_is_refused_in_one_line(run, tmp_path, change, message):
    write_json(run / "provenance.json", read_json(run / "provenance.json") | change)
    with pytest.raises(DataError, match=message) as caught:
        archive(run, tmp_path / "demo.zip")
    assert "\n" not in str(caught.value)
    [key] = change
    provenance = read_json(run / "provenance.json")
    del provenance[key]
    write_json(run / "provenance.json", provenance)
    with pytest.raises(DataError, match=key):
        archive(run, tmp_path / "demo.zip")


def test_the_verb_lists_what_does_not_fit_and_fails(run):
    def molvae():
        return CliRunner().invoke(app, ["verify", str(run)])

    assert molvae().exit_code == 0
    (run / "sample" / "samples.csv").write_text("CC")
    ended = molvae()
    assert "sample/samples.csv: changed" in ended.stdout
    assert isinstance(ended.exception, DataError)
    assert ended.exception.exit_status == 1


def test_a_run_without_provenance_is_told(tmp_path):
    with pytest.raises(DataError, match=r"provenance\.json"):
        verify(tmp_path)


def test_the_archive_has_all_files_and_says_where_they_come_from(run, tmp_path):
    pytest.importorskip("rocrate")
    out = tmp_path / "demo.zip"
    assert archive(run, out) == 3 + 3
    with zipfile.ZipFile(out) as packed:
        names = set(packed.namelist())
        metadata = json.loads(packed.read("ro-crate-metadata.json"))
        assert packed.read("sample/samples.csv") == b"sample/samples.csv"
    assert {"prepare/molecules.parquet", "report.html", "report/figures/a.svg", "provenance.json"} <= names
    assert not any(name.startswith("logs") for name in names)
    entities = {entity["@id"]: entity for entity in metadata["@graph"]}
    recorded = read_json(run / "provenance.json")
    assert entities["sample/samples.csv"]["sha256"] == recorded["outputs"]["sample/samples.csv"]["sha256"]
    action = entities["#run"]
    assert action["@type"] == "CreateAction"
    assert {"@id": "sample/samples.csv"} in action["result"]
    assert entities["#molvae"]["softwareVersion"] == recorded["versions"]["molvae"]
    assert entities["./"]["datePublished"] == recorded["date"]


@pytest.mark.parametrize("name", ["sample/samples.csv", "sample", "report.html", "report"])
def test_a_link_out_of_a_run_is_not_packed(run, tmp_path, name):
    pytest.importorskip("rocrate")
    (run / name).rename(tmp_path / "elsewhere")
    (run / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DataError, match=rf"demo/{name}: expected a file or folder of the run, found a link"):
        archive(run, tmp_path / "demo.zip")
    assert not (tmp_path / "demo.zip").exists()


def test_settings_with_passwords_are_not_packed(run, tmp_path, caplog):
    pytest.importorskip("rocrate")
    (run / "config").mkdir()
    (run / "config" / "prepare.yaml").write_text("prepare: {input: [https://me:s3cret@host/a.smi]}")
    # As an earlier version recorded it.
    provenance = read_json(run / "provenance.json")
    provenance["outputs"]["config/prepare.yaml"] = described(run / "config" / "prepare.yaml")
    write_json(run / "provenance.json", provenance)
    archive(run, tmp_path / "demo.zip")
    with zipfile.ZipFile(tmp_path / "demo.zip") as packed:
        assert not any(b"s3cret" in packed.read(name) for name in packed.namelist())
    assert "left out: config/prepare.yaml, which has addresses with passwords" in caplog.text


def test_a_report_by_another_name_does_not_make_a_run_another_one(run):
    (run / "other.html").write_text("")
    (run / "other" / "figures").mkdir(parents=True)
    (run / "other" / "figures" / "a.svg").write_text("")
    assert verify(run).fits


def test_a_run_that_does_not_fit_is_not_archived(run, tmp_path):
    (run / "sample" / "samples.csv").write_text("CC")
    with pytest.raises(DataError, match=r"samples\.csv: changed"):
        archive(run, tmp_path / "demo.zip")
    with pytest.raises(ConfigError, match=r"ends in \.zip"):
        archive(run, tmp_path / "demo")
    assert not list(tmp_path.glob("demo.zip"))
