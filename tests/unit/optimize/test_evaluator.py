"""Evaluation in worker processes: how it begins, and how it ends."""

import hashlib
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from molvae.optimize import evaluator
from molvae.optimize.evaluator import Evaluator
from molvae.optimize.objective import Objective
from molvae.optimize.spec import ObjectiveSpec

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")

SCRIPT = """
import sys
from pathlib import Path
from molvae.errors import ObjectiveError
from molvae.optimize.objective import load_objective
from molvae.optimize.oracle import Oracle

{guard}
    with Oracle(load_objective(sys.argv[1]), 10) as oracle:
        try:
            oracle.score([("C", ""), ("CC", "")], 0)
        except ObjectiveError as error:
            print(oracle.n_calls, error)
"""


@pytest.fixture
def objective_file(tmp_path):
    """Return a function that writes an objective of a Python function's body, given its source."""

    def write(source, name="own"):
        (tmp_path / f"{name}_module.py").write_text(source)
        file = tmp_path / f"{name}.yaml"
        file.write_text(f"name: {name}\nterms: [{{python: '{name}_module:score'}}]\n")
        return file

    return write


@pytest.fixture
def in_module(tmp_path):
    """Return a function that makes an objective of a Python function's body, given its source."""

    def make(name, source):
        (tmp_path / f"{name}.py").write_text(source)
        return Objective(
            ObjectiveSpec.model_validate({"name": "own", "terms": [{"python": f"{name}:score"}]}), tmp_path
        )

    return make


def script(folder, guard="if __name__ == '__main__':"):
    file = folder / "script.py"
    file.write_text(SCRIPT.format(guard=guard))
    return [sys.executable, str(file)]


def wait_until(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return condition()


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def number_in(file):
    wait_until(lambda: file.exists() and file.read_text().endswith("\n"))
    return int(file.read_text())


HANGS = """import os, time

def score(smiles):
    with open({pid!r}, "w") as file:
        file.write(f"{{os.getpid()}}\\n")
    time.sleep(3600)
"""

HANGS_IN_A_PROGRAM = """import subprocess
from molvae.optimize.quantities.command import command_function
from pathlib import Path

def score(smiles):
    return command_function("sh sleeps.sh", Path({folder!r}), None)(smiles)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_run_whose_function_hangs(objective_file, tmp_path, number):
    file = objective_file(HANGS.format(pid=str(tmp_path / "pid")))
    (tmp_path / "in.smi").write_text("C\nCC\n")
    command = [sys.executable, "-m", "molvae", "objective", str(file), str(tmp_path / "in.smi"), "--out"]
    with subprocess.Popen([*command, str(tmp_path / "out.csv")], stderr=subprocess.PIPE, text=True) as process:
        worker = number_in(tmp_path / "pid")
        began = time.monotonic()
        process.send_signal(number)
        _, complaint = process.communicate(timeout=30)
    assert time.monotonic() - began < 5
    assert process.returncode == 130
    assert "interrupted" in complaint
    assert "Traceback" not in complaint
    assert not is_alive(worker)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.parametrize("source", [HANGS, HANGS_IN_A_PROGRAM])
def test_workers_and_their_programs_end_with_the_process_that_started_them(objective_file, tmp_path, number, source):
    (tmp_path / "sleeps.sh").write_text("echo $$ > pid\nexec sleep 3600\n")
    file = objective_file(source.format(pid=str(tmp_path / "pid"), folder=str(tmp_path)))
    with subprocess.Popen([*script(tmp_path), str(file)], stderr=subprocess.DEVNULL) as process:
        pid = number_in(tmp_path / "pid")
        process.send_signal(number)
        process.wait(timeout=30)
    assert wait_until(lambda: not is_alive(pid))


def test_a_script_without_a_guard_is_told_and_costs_nothing(objective_file, tmp_path):
    file = objective_file("def score(smiles):\n    return [0.5] * len(smiles)\n")
    done = subprocess.run(
        [*script(tmp_path, "if True:"), str(file)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0
    assert done.stdout.startswith("0 own: expected a process that can evaluate it, found that it ended at its start")
    assert "if __name__ == '__main__':" in done.stdout


def test_a_quick_function_is_loaded_once(in_module, tmp_path, smiles):
    source = f"import os\nopen({str(tmp_path / 'loads')!r}, 'a').write('x')\n\ndef score(smiles):\n"
    quick = in_module("quick_term", source + "    return [0.5] * len(smiles)\n")
    with Evaluator(quick, n_jobs=3) as evaluate:
        assert sum(len(chunk) for chunk in evaluate.evaluate(smiles)) == len(smiles)
    assert (tmp_path / "loads").read_text() == "x"


def test_a_slow_function_gets_several_processes(in_module, smiles, monkeypatch):
    monkeypatch.setattr(evaluator, "SECONDS_FOR_A_POOL", 0.1)
    slow = in_module(
        "slow_term", "import time\n\ndef score(smiles):\n    time.sleep(0.1)\n    return [0.5] * len(smiles)\n"
    )
    with Evaluator(slow, n_jobs=2) as evaluate:
        chunks = evaluate.evaluate(smiles[:60])
        next(chunks)
        assert evaluate._pool_size == 1
        assert 1 + sum(len(chunk) for chunk in chunks) == 60
        assert evaluate._pool_size == 2


def test_what_is_done_is_not_done_again_after_a_process_has_died(in_module, tmp_path, monkeypatch):
    monkeypatch.setattr(evaluator, "SECONDS_FOR_A_POOL", -1.0)
    source = f"""import os, time

def score(smiles):
    with open({str(tmp_path / "calls")!r}, "a") as file:
        file.write("".join(f"{{text}}\\n" for text in smiles))
    if "CF" in smiles:
        # The other process gets on with its chunks meanwhile.
        time.sleep(1.5)
        os._exit(3)
    return [0.5] * len(smiles)
"""
    deadly = in_module("deadly_term", source)
    smiles = ["CF", *("C" * n for n in range(1, 8))]
    with Evaluator(deadly, n_jobs=2) as evaluate:
        evaluations = [one for chunk in evaluate.evaluate(smiles, 1) for one in chunk]
    assert [one.status for one in evaluations] == ["failed", *["ok"] * 7]
    calls = (tmp_path / "calls").read_text().split()
    assert calls.count("CF") == 2
    assert max(calls.count(text) for text in smiles[1:]) == 1


@pytest.mark.parametrize(
    "error", ["asyncio.CancelledError()", "KeyboardInterrupt()", "GeneratorExit()", "SystemExit(0)", "OSError('no')"]
)
def test_whatever_a_function_raises_fails_its_molecule(in_module, error):
    name = "raising_" + "".join(c for c in error.lower() if c.isalpha())
    source = f"import asyncio\n\ndef score(smiles):\n    if 'CF' in smiles:\n        raise {error}\n"
    raising = in_module(name, source + "    return [0.5] * len(smiles)\n")
    with Evaluator(raising) as evaluate:
        evaluations = [one for chunk in evaluate.evaluate(["C", "CF", "CC"]) for one in chunk]
    assert [one.status for one in evaluations] == ["ok", "failed", "ok"]
    assert error.partition("(")[0].removeprefix("asyncio.") in evaluations[1].error


def test_after_an_error_nothing_waits_for_a_process(in_module, tmp_path):
    hanging = in_module("hanging_term", HANGS.format(pid=str(tmp_path / "pid")))

    def fail():
        with Evaluator(hanging) as evaluate:
            evaluate._pool_of(1).submit(evaluator._evaluate, ["C"])
            number_in(tmp_path / "pid")
            raise RuntimeError("given up")

    began = time.monotonic()
    with pytest.raises(RuntimeError, match="given up"):
        fail()
    assert time.monotonic() - began < 20
    assert not is_alive(int((tmp_path / "pid").read_text()))


def test_a_function_that_hangs_on_a_molecule_fails_it_alone(tmp_path):
    source = "import time\n\ndef score(smiles):\n    time.sleep(3600 if 'CF' in smiles else 0)\n"
    (tmp_path / "hanging_once.py").write_text(source + "    return [0.5] * len(smiles)\n")
    terms = [{"python": "hanging_once:score", "timeout_s": 0.3}]
    hanging = Objective(ObjectiveSpec.model_validate({"name": "own", "terms": terms}), tmp_path)
    with Evaluator(hanging) as evaluate:
        evaluations = [one for chunk in evaluate.evaluate(["C", "CC", "CF", "CCC"]) for one in chunk]
    assert [one.status for one in evaluations] == ["ok", "ok", "failed", "ok"]
    assert evaluations[2].error == "no answer within 0.3 s"


def test_a_function_that_hangs_among_many_quick_molecules_is_found_soon(tmp_path):
    source = "import time\n\ndef score(smiles):\n    time.sleep(3600 if 'CF' in smiles else 0.01 * len(smiles))\n"
    (tmp_path / "hanging_late.py").write_text(source + "    return [0.5] * len(smiles)\n")
    terms = [{"python": "hanging_late:score", "timeout_s": 1.5}]
    hanging = Objective(ObjectiveSpec.model_validate({"name": "own", "terms": terms}), tmp_path)
    smiles = ["C" * n for n in range(1, 61)]
    began = time.monotonic()
    with Evaluator(hanging) as evaluate:
        evaluations = [one for chunk in evaluate.evaluate([*smiles[:40], "CF", *smiles[40:]]) for one in chunk]
    # Not the limits of a whole chunk, a minute and more.
    assert time.monotonic() - began < 30
    assert [one.smiles for one in evaluations if one.status == "failed"] == ["CF"]


def test_a_segmentation_fault_fails_its_molecule_alone(in_module):
    source = "import ctypes\n\ndef score(smiles):\n    if 'CF' in smiles:\n        ctypes.string_at(0)\n"
    faulty = in_module("faulty_term", source + "    return [0.5] * len(smiles)\n")
    with Evaluator(faulty) as evaluate:
        evaluations = [one for chunk in evaluate.evaluate(["C", "CF", "CC"]) for one in chunk]
    assert [one.status for one in evaluations] == ["ok", "failed", "ok"]


def test_a_function_that_always_ends_its_process_is_not_tried_on_every_molecule(in_module, tmp_path):
    starts = tmp_path / "starts"
    source = f"import os\n\ndef score(smiles):\n    open({str(starts)!r}, 'a').write('x')\n    os._exit(3)\n"
    with Evaluator(in_module("ending_term", source)) as evaluate:
        evaluations = [one for chunk in evaluate.evaluate(["C" * n for n in range(1, 13)], 6) for one in chunk]
    assert {one.error for one in evaluations} == {"the process that scored it died"}
    # Chunks of 4 and of 6 are tried together and on three of them, those of a single molecule, 1 and 1, twice.
    assert len(starts.read_text()) == 4 + 4 + 2 + 2


@pytest.mark.parametrize(
    ("start", "each", "sizes"), [(0.0, "sleep 0.2;", [1, 4, 1, 1, 1]), (0.4, "", [1, 4, 16, 25, 25])]
)
def test_chunks_of_slow_molecules_are_small_but_not_those_of_a_slow_start(
    tmp_path, smiles, monkeypatch, start, each, sizes
):
    monkeypatch.setattr(evaluator, "SECONDS_AT_RISK", 0.25)
    (tmp_path / "slow.sh").write_text(f"sleep {start}\nwhile read smiles; do {each} echo 1; done\n")
    slow = Objective(ObjectiveSpec.model_validate({"name": "own", "terms": [{"command": "sh slow.sh"}]}), tmp_path)
    with Evaluator(slow) as evaluate:
        chunks = evaluate.evaluate(smiles)
        assert [len(next(chunks)) for _ in sizes] == sizes


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_own_code_is_announced_once_with_its_hash_before_it_runs(tmp_path, caplog, n_jobs):
    (tmp_path / "score.sh").write_text("while read line; do echo 0.5; done\n")
    spec = ObjectiveSpec.model_validate({"name": "mine", "terms": [{"command": "sh score.sh"}, {"property": "qed"}]})
    with caplog.at_level("INFO", logger="molvae"), Evaluator(Objective(spec, tmp_path), n_jobs) as evaluator:
        for _ in range(2):
            list(evaluator.evaluate(["CCO", "CCN"]))
    digest = hashlib.sha256((tmp_path / "score.sh").read_bytes()).hexdigest()
    [line] = [message for message in caplog.messages if "runs your own code" in message]
    assert line.endswith(f"command: sh score.sh (score.sh, SHA-256 {digest})")


def test_an_objective_without_own_code_announces_nothing(caplog):
    spec = ObjectiveSpec.model_validate({"name": "drug_like", "terms": [{"property": "qed"}]})
    with caplog.at_level("INFO", logger="molvae"), Evaluator(Objective(spec, Path())) as evaluator:
        list(evaluator.evaluate(["CCO"]))
    assert not caplog.messages
