"""Every verb but the fetching of what a config names works where each use of the network is an error."""

import socket

import pytest
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


def test_no_verb_uses_the_network(tmp_path, model, smiles, prepared):
    model.save(tmp_path / "model")
    source = tmp_path / "molecules.smi"
    source.write_text("".join(f"{text}\n" for text in smiles[:60]))
    molvae("prepare", source, "--out", tmp_path / "prepare")
    molvae("sample", tmp_path / "model", "--n", 10, "--out", tmp_path / "samples.csv")
    molvae("encode", tmp_path / "model", source, "--out", tmp_path / "codes.csv")
    molvae("decode", tmp_path / "model", tmp_path / "codes.csv", "--out", tmp_path / "decoded.csv")
    molvae("anomaly", tmp_path / "model", source, "--out", tmp_path / "anomaly.csv")
    molvae("objective", "qed", source, "--out", tmp_path / "scores.csv")
    molvae("score", source, "--reference", prepared, "--out", tmp_path / "score")
    molvae(
        *("optimize", tmp_path / "model", "--objective", "qed", "--reference", prepared, "--budget", 20),
        *("--set", "optimize.batch_size=10", "--set", "optimize.n_start=5", "--out", tmp_path / "optimize"),
    )


def test_a_report_is_made_without_the_network(tmp_path):
    assert report(build_run_folder(tmp_path), RunConfig()).exists()


def test_what_a_config_names_is_fetched_unless_offline(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="--offline"):
        molvae("prepare", "http://127.0.0.1/a.smi", "--offline", "--out", tmp_path / "prepare")
    with pytest.raises(AssertionError, match="the network was used"):
        molvae("prepare", "http://127.0.0.1/a.smi", "--out", tmp_path / "prepare")
