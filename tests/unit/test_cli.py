import errno
import os
import signal
import subprocess
import sys
import time

import pytest

from molvae.cli import main
from molvae.errors import CheckpointError, ConfigError, DataError
from molvae.files import replacing
from molvae.version import __version__


def run_in_process(monkeypatch, capsys, *arguments: str) -> tuple[int, str, str]:
    """Run the command line, and return its exit status, stdout and stderr."""
    monkeypatch.setattr(sys, "argv", ["molvae", *arguments])
    with pytest.raises(SystemExit) as ending:
        main.run()
    printed = capsys.readouterr()
    return ending.value.code, printed.out, printed.err


@pytest.fixture
def molvae(monkeypatch, capsys):
    return lambda *arguments: run_in_process(monkeypatch, capsys, *arguments)


@pytest.fixture
def broken(monkeypatch, capsys):
    """Run the command line with a stage that raises."""

    def run(error: BaseException, *arguments: str) -> tuple[int, str, str]:
        def raise_error(*args, **kwargs):
            raise error

        monkeypatch.setattr(main, "app", raise_error)
        return run_in_process(monkeypatch, capsys, *arguments)

    return run


def test_help_and_version_load_nothing_heavy():
    heavy = "{'torch', 'rdkit', 'pandas', 'numpy', 'sklearn', 'altair'}"
    for argument in ["--help", "--version"]:
        code = (
            "import sys; sys.argv = ['molvae', sys.argv[1]]\n"
            "from molvae.cli.main import run\n"
            "try: run()\n"
            f"finally: print(sorted({heavy} & set(sys.modules)), file=sys.stderr)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, argument], capture_output=True, text=True, timeout=60, check=True
        )
        assert done.stderr == "[]\n"
        assert "molvae" in done.stdout


def test_a_bare_import_loads_nothing_heavy():
    code = "import sys, molvae; print(sorted({'torch', 'rdkit', 'pandas', 'numpy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("verb", [verb for verbs in main.VERBS.values() for verb in verbs])
def test_every_verb_explains_itself(molvae, verb):
    status, out, _ = molvae(verb, "--help")
    assert status == 0
    assert "Usage: molvae" in out
    options = main.typer.main.get_command(main.app).commands[verb].params
    assert [option.name for option in options if option.param_type_name == "option" and not option.help] == []


def test_help_leaves_line_breaks_within_paragraphs_to_the_terminal():
    commands = main.typer.main.get_command(main.app).commands
    paragraphs = [text for command in commands.values() for text in command.help.split("\n\n")]
    assert [text for text in paragraphs if not text or "\n" in text] == []


def test_without_a_verb_there_is_the_help_and_no_error(molvae):
    assert molvae() == molvae("--help")
    status, out, err = molvae()
    assert (status, err) == (0, "")
    assert "Usage: molvae" in out


def completions(line: str) -> list[str]:
    """Return what bash would complete, whose function calls the command with the line in the environment."""
    words = line.split(" ")
    environment = os.environ | {
        "_MOLVAE_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
    }
    code = "import sys; sys.argv = ['molvae']; from molvae.cli.main import run; run()"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    return done.stdout.split()


def test_a_shell_completes_verbs_options_and_models():
    assert completions("molvae enc") == ["encode"]
    assert completions("molvae encode --dev") == ["--device"]
    assert completions("molvae sample zinc") == ["zinc250k"]


def test_a_pipe_that_is_closed_is_no_error(tmp_path):
    command = f"{sys.executable} -m molvae info zinc250k --json | true"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""


def test_the_version_is_the_packages(molvae):
    assert molvae("--version") == (0, f"molvae {__version__}\n", "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["traim"], "Did you mean 'train'?"),
        (["objective", "qed"], "MOLECULES"),
        (["prepare"], "Missing option '--out'"),
        (["sample", "model", "--out", "x.csv", "--n", "none"], "'--n'"),
        (["sample", "model", "--out", "x.csv", "--m", "3"], "--m"),
        (["encode", "moses", "a.smi", "--device", "gpu"], "--device: expected auto, cpu or cuda, found 'gpu'"),
        (["train", "folder", "--out", "x", "--set", "train.epoch=3"], "did you mean epochs?"),
        (["train", "folder", "--out", "x", "--config", "nowhere.yaml"], "nowhere.yaml"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(molvae, arguments, said):
    status, out, err = molvae(*arguments)
    assert (status, out) == (2, "")
    assert err.startswith("molvae: error: ")
    assert err.count("\n") == 1
    assert said in err


def test_missing_data_is_one_line_and_status_1(molvae, tmp_path):
    status, out, err = molvae("prepare", str(tmp_path / "none.smi"), "--out", str(tmp_path / "out"))
    assert (status, out) == (1, "")
    assert err.startswith("molvae: error: ")
    assert "none.smi" in err
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ConfigError("wrong\nsetting"), 2),
        (DataError("wrong\ndata"), 1),
        (CheckpointError("wrong\nmodel"), 1),
        (ZeroDivisionError("wrong\nsum"), 1),
        (KeyboardInterrupt(), 130),
    ],
)
def test_every_failure_is_one_line_with_its_status(broken, error, status):
    exit_status, out, err = broken(error)
    assert (exit_status, out) == (status, "")
    assert err.startswith("molvae: error: ")
    assert err.count("\n") == 1
    assert "Traceback" not in err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_verb_that_is_stopped_leaves_nothing_half_written(monkeypatch, molvae, tmp_path, number):
    def write_for_long(name: str):
        with replacing(tmp_path / name) as temporary:
            temporary.write_text("half of it")
            os.kill(os.getpid(), number)
            time.sleep(10)

    verb = main.typer.Typer()
    verb.command()(write_for_long)
    monkeypatch.setattr(main, "app", verb)
    # What runs the tests may ignore interrupts, as a shell does for a job in the background.
    handlers = {signal_number: signal.getsignal(signal_number) for signal_number in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        status, out, err = molvae("table.csv")
    finally:
        for signal_number, handler in handlers.items():
            signal.signal(signal_number, handler)
    assert (status, out) == (130, "")
    assert err.startswith("molvae: error: interrupted")
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_the_end_of_a_damaged_file_is_not_taken_for_an_interrupt(monkeypatch, molvae):
    def read(name: str):
        raise EOFError("Ran out of input")

    verb = main.typer.Typer()
    verb.command()(main.without_end_of_file(read))
    monkeypatch.setattr(main, "app", verb)
    status, out, err = molvae("table.csv")
    assert (status, out) == (1, "")
    assert err.startswith("molvae: error: expected a whole file")
    assert err.count("\n") == 1
    assert "interrupted" not in err


@pytest.mark.parametrize(
    "arguments", [["--debug", "train"], ["train", "--debug"], ["train", "x", "--debug", "--out", "y"]]
)
def test_debug_shows_the_traceback_wherever_it_stands(broken, arguments):
    with pytest.raises(DataError, match="wrong data"):
        broken(DataError("wrong data"), *arguments)


@pytest.mark.parametrize("name", ["page", "page.htm", "page.v2", "."])
def test_a_page_that_would_not_be_one_is_refused_before_the_work(molvae, tmp_path, name):
    status, _, error = molvae("report", str(tmp_path), "--out", str(tmp_path / name))
    assert status == 2
    assert "expected a name that ends in .html" in error
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
        RuntimeError("std::bad_alloc"),
        ImportError("libtorch.so: failed to map segment from shared object"),
        SystemError("error return without exception set"),
    ],
)
def test_running_out_of_memory_is_one_clear_line(broken, error):
    status, _, said = broken(error, "train")
    assert status == 1
    assert said.startswith("molvae: error: expected enough memory, found none left")
    assert said.count("\n") == 1


def test_running_out_of_memory_behind_another_error_is_told():
    error = ValueError("numbers")
    assert not main.is_out_of_memory(error)
    error.__cause__ = MemoryError()
    assert main.is_out_of_memory(error)


def test_a_full_disk_that_no_stage_has_words_for_is_one_clear_line(broken):
    status, _, said = broken(OSError(errno.ENOSPC, "No space left on device", "chemnet.pb"), "score")
    assert status == 1
    assert said.startswith("molvae: error: expected room on the disk, also for temporary files, found none")
