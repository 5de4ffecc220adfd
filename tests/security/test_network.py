"""Every verb but the fetching of what a config names works where each use of the network is an error."""

import socket

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from molvae.cli.main import app
from molvae.config import RunConfig
from molvae.errors import DataError
from molvae.report import report
from tests.fixtures.run_folder import build_run_folder


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refused(*args, **options):
        raise AssertionError(f"the network was used: {args}")

    class Refused(socket.socket):
        def connect(self, address):
            if self.family != socket.AF_UNIX:
                refused(address)
            return super().connect(address)

        connect_ex = sendto = connect

    monkeypatch.setattr(socket, "socket", Refused)
    for name in ("getaddrinfo", "create_connection", "gethostbyname"):
        monkeypatch.setattr(socket, name, refused)


def molvae(*arguments):
    ended = CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
    assert ended.exit_code == 0, ended.output


def commands(folder, model, source, table, prepared, run):
    """Return a call of every verb but `watch`, in an order in which each finds what it reads."""
    small = ["epochs=1", "embedding_dim=8", "encoder_hidden=8", "decoder_hidden=16", "latent_dim=4", "prior_samples=20"]
    few = ["n_reconstruct=4", "n_samples=10", "n_latent=4", "n_map=10"]
    search = ["budget=20", "batch_size=10", "n_start=5"]

    def section(name, settings):
        return [part for setting in settings for part in ("--set", f"{name}.{setting}")]

    return [
        ("prepare", source, "--out", folder / "prepare"),
        ("train", prepared, "--out", folder / "train", *section("train", small), "--device", "cpu"),
        ("evaluate", model, "--reference", prepared, "--out", folder / "evaluate", *section("evaluate", few)),
        ("sample", model, "--n", 10, "--out", folder / "samples.csv"),
        ("encode", model, source, "--out", folder / "codes.csv"),
        ("decode", model, folder / "codes.csv", "--out", folder / "decoded.csv"),
        ("neighbors", model, "CCO", "--out", folder / "neighbors.csv"),
        ("interpolate", model, "CCO", "CCN", "--out", folder / "path.csv"),
        ("anomaly", model, source, "--out", folder / "anomaly.csv"),
        ("objective", "qed", source, "--out", folder / "scores.csv"),
        ("score", source, "--reference", prepared, "--out", folder / "score"),
        ("optimize", model, "--objective", "qed", "--out", folder / "optimize", *section("optimize", search)),
        ("learn", table, "--column", "pKi", "--out", folder / "learned"),
        ("predict", folder / "learned", source, "--out", folder / "predicted.csv"),
        (
            "propose",
            model,
            "--measured",
            table,
            "--column",
            "pKi",
            "--pool",
            source,
            "--n",
            3,
            "--out",
            folder / "p.csv",
        ),
        ("report", run),
        ("verify", run),
        ("archive", run, "--out", folder / "run.zip"),
        ("info", model),
        ("models",),
        ("new", folder / "project"),
        ("series", table, "--activity", "pKi", "--out", folder / "series", "--dry-run"),
    ]


@pytest.mark.timeout(300)
def test_no_verb_uses_the_network(tmp_path, model, smiles, prepared):
    model.save(tmp_path / "model")
    source, table = tmp_path / "molecules.smi", tmp_path / "measured.csv"
    source.write_text("".join(f"{text}\n" for text in smiles[:60]))
    table.write_text("smiles,pKi\n" + "".join(f"{text},{5 + n % 7}\n" for n, text in enumerate(smiles[60:80])))
    called = commands(tmp_path, tmp_path / "model", source, table, prepared, build_run_folder(tmp_path / "run"))
    # `watch` reads the logs of a run that goes on, and there is none here.
    assert {name for name, *_ in called} | {"watch"} == set(get_command(app).commands)
    for command in called:
        molvae(*command)


def test_a_report_is_made_without_the_network(tmp_path):
    assert report(build_run_folder(tmp_path), RunConfig()).exists()


def test_what_a_config_names_is_fetched_unless_offline(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="--offline"):
        molvae("prepare", "http://127.0.0.1/a.smi", "--offline", "--out", tmp_path / "prepare")
    with pytest.raises(AssertionError, match="the network was used"):
        molvae("prepare", "http://127.0.0.1/a.smi", "--out", tmp_path / "prepare")
