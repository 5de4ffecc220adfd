"""What the tests of faults share: the inputs of every stage, a server that runs verbs, and whole outcomes."""

import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
import yaml

from tests.fixtures.run_folder import build_run_folder

ROOT = Path(__file__).parents[2]
STAGES = ("prepare", "train", "evaluate", "sample", "optimize", "score", "report", "learn", "propose")

# Those that write a file, and its name in the folder.
FILES = {"sample": "samples.csv", "report": "report.html", "propose": "plate.csv"}

# What differs from run to run: the time that it takes, and the date.
CLOCKED = {"history.csv": ["seconds"], "times.csv": ["seconds"]}


@dataclass
class Verb:
    """A verb that runs as a process of its own."""

    server: "VerbServer"
    pid: int
    log: Path

    def wait(self, seconds: float = 120.0) -> int:
        """Return its exit status; one that hangs is killed, and fails the test."""
        status, has_hung = self.wait_or_kill(seconds)
        assert not has_hung, f"no end within {seconds} s: {self.said}"
        return status

    def wait_or_kill(self, seconds: float) -> tuple[int, bool]:
        """Return its exit status, and whether it was killed because it took longer."""
        limit = threading.Timer(seconds, os.killpg, (self.pid, signal.SIGKILL))
        limit.start()
        try:
            return self.server.ask({"wait": self.pid}), not limit.is_alive()
        finally:
            limit.cancel()

    @property
    def said(self) -> str:
        return self.log.read_text()

    @property
    def error(self) -> str:
        """Its one line of error."""
        [line] = [line for line in self.said.splitlines() if "molvae: error: " in line]
        return line


class VerbServer:
    """See `verb_server`."""

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        self.n_started = 0
        self.process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("verb_server.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=logs,
            env={**os.environ, "PYTHONPATH": str(ROOT), "SOURCE_DATE_EPOCH": "0"},
        )

    def ask(self, request: dict[str, object]) -> int:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(json.dumps(request), file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline())

    def start(self, arguments: list[object], **limits: object) -> Verb:
        self.n_started += 1
        log = self.logs / f"{self.n_started}.log"
        return Verb(self, self.ask({"arguments": [*map(str, arguments)], "log": str(log), **limits}), log)


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    server = VerbServer(tmp_path_factory.mktemp("logs"))
    yield server
    server.process.stdin.close()
    server.process.stdout.close()
    server.process.wait()


@dataclass(frozen=True)
class Stage:
    """A stage, what it is called with, and what it writes if nothing goes wrong."""

    name: str
    arguments: list[object]
    inputs: tuple[Path, ...]
    whole: dict[str, object]
    seconds: float

    def command(self, out: Path) -> list[object]:
        """Return the command that writes to a folder."""
        return [*self.arguments, "--out", out / FILES.get(self.name, "")]


def outcome(folder: Path) -> dict[str, object]:
    """Return the content of all files of a folder by name, but for what differs from run to run.

    What a killed process was writing has a name that begins with a dot.
    """
    files = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.name.startswith("."):
            content: object = path.read_bytes()
            if path.name in CLOCKED:
                content = pd.read_csv(path).drop(columns=CLOCKED[path.name]).to_csv()
            files[path.relative_to(folder).as_posix()] = content
    return files


@pytest.fixture(scope="session")
def sources(tmp_path_factory, model, small_train_config, prepared, smiles):
    """Return a folder with what the stages read."""
    folder = tmp_path_factory.mktemp("sources")
    model.save(folder / "model")
    shutil.copytree(prepared, folder / "prepare")
    measured = (f"{text},{5 + len(text) / 20 + n % 3 / 10}\n" for n, text in enumerate(smiles[:40]))
    for name, content in {
        "molecules.smi": "".join(f"{text} m{n}\n" for n, text in enumerate(smiles)),
        "samples.csv": "smiles\n" + "".join(f"{text}\n" for text in smiles[:80]),
        "measured.csv": "smiles,pIC50\n" + "".join(measured),
    }.items():
        # Compressed, since half a text is a text as well.
        (folder / f"{name}.gz").write_bytes(gzip.compress(content.encode()))
    content = {
        "seed": 3,
        "device": "cpu",
        "prepare": {"validation_fraction": 0.2, "test_fraction": 0.2},
        "train": {**small_train_config.model_dump(), "epochs": 3, "checkpoint_every_s": 0.01},
        "evaluate": {"n_reconstruct": 10, "n_samples": 20, "n_latent": 5, "n_map": 30},
        "sample": {"n": 200},
        "optimize": {"budget": 60, "batch_size": 10, "n_start": 10, "n_candidates": 5},
    }
    (folder / "study.yaml").write_text(yaml.safe_dump(content))
    return folder


@pytest.fixture(scope="session")
def stage(request, server, sources, tmp_path_factory):
    """Return a stage (by indirect parameter) with the outcome of a run without a fault."""
    name, config = request.param, ["--config", sources / "study.yaml", "--threads", 1]
    prepared, model = sources / "prepare", sources / "model"
    listed, samples, measured = (sources / f"{name}.gz" for name in ("molecules.smi", "samples.csv", "measured.csv"))
    molecules = prepared / "molecules.parquet"
    weights = model / "model.safetensors"
    run_folder = build_run_folder(tmp_path_factory.mktemp("report")) if name == "report" else None
    arguments, inputs = {
        "prepare": ([listed, *config], (listed,)),
        "train": ([prepared, *config], (molecules, prepared / "vocabulary.json", prepared / "summary.json")),
        "evaluate": ([model, "--reference", prepared, *config], (weights, molecules)),
        "sample": ([model, *config], (weights, model / "config.json", model / "vocabulary.json")),
        "optimize": ([model, "--objective", "qed", "--reference", prepared, *config], (weights, molecules)),
        "score": ([samples, "--reference", prepared, *config], (samples, molecules)),
        "report": ([run_folder], () if run_folder is None else (run_folder / "prepare" / "summary.json",)),
        "learn": ([measured, "--column", "pIC50", "--threads", 1], (measured,)),
        "propose": (
            [model, "--n", 5, "--pool", listed, "--measured", measured, "--column", "pIC50", *config],
            (listed, measured),
        ),
    }[name]
    out = tmp_path_factory.mktemp(name) / "out"
    whole = Stage(name, [name, *arguments], inputs, {}, 0.0)
    # Once to fill the cache of reference statistics, once to see how long it takes with them.
    for _ in range(2):
        shutil.rmtree(out, ignore_errors=True)
        begin = time.monotonic()
        verb = server.start(whole.command(out))
        assert verb.wait() == 0, verb.said
        seconds = time.monotonic() - begin
    return Stage(name, whole.arguments, inputs, outcome(out), seconds)
