"""The `molvae` command: one subcommand per stage, and subcommands that use a trained model."""

import functools
import importlib
import inspect
import os
import re
import signal
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import typer

from molvae.errors import NO_ROOM, MolvaeError
from molvae.version import __version__

app = typer.Typer(
    name="molvae",
    add_completion=True,
    pretty_exceptions_enable=False,
    help="Generate new, valid, plausible molecules that score higher by an objective of your choice.",
)

INTERRUPTED = 128 + signal.SIGINT
# Windows has no such signal.
PIPE_CLOSED = 128 + getattr(signal, "SIGPIPE", 13)

OUT_OF_MEMORY = (
    "expected enough memory, found none left; every output is complete or absent. Use fewer --threads, or a machine "
    "or a limit (ulimit -v, prlimit, a job's memory) with more"
)
# How the libraries, the allocators of torch and the loader of libraries say it.
_SIGNS_OF_NO_MEMORY = (
    "DefaultCPUAllocator",
    "std::bad_alloc",
    "CUDA out of memory",
    "Cannot allocate memory",
    "cannot allocate memory",
    "failed to map segment",
    "error return without exception set",
)

# The module of a command has a function of the same name, which imports heavy libraries, so that help is instant.
VERBS = {
    "Stages": ["prepare", "train", "evaluate", "sample", "optimize", "score", "report"],
    "Using a trained model": ["encode", "decode", "interpolate", "neighbors", "anomaly", "propose", "models", "info"],
    "Objectives": ["objective"],
    "Measured values": ["learn", "predict"],
    "Projects": ["new", "series"],
    "Runs": ["watch", "verify", "archive"],
}


def _help(function: Callable[..., None]) -> str:
    """Return the docstring with one line per paragraph, because Typer keeps the line breaks of the source."""
    return re.sub(r"(?<!\n)\n(?!\n)", " ", inspect.getdoc(function) or "")


def without_end_of_file(function: Callable[..., Any]) -> Callable[..., Any]:
    """Turn an end of file into an error of molvae's own: Typer takes it for an interrupt by the user."""

    @functools.wraps(function)
    def wrapped(*args: Any, **options: Any) -> Any:
        try:
            return function(*args, **options)
        except EOFError as error:
            raise MolvaeError(
                f"expected a whole file, found the end of one too early ({error}); --debug shows where"
            ) from error

    return wrapped


for panel, verbs in VERBS.items():
    for verb in verbs:
        function = getattr(importlib.import_module(f"molvae.cli.{verb}"), verb)
        app.command(verb, help=_help(function), rich_help_panel=panel)(without_end_of_file(function))


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"molvae {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(
        False, "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
    ),
    debug: bool = typer.Option(False, "--debug", help="Show the traceback of an error; accepted anywhere."),
) -> None:
    pass


def run() -> NoReturn:
    """Run the command line; every error is one line on stderr and an exit status.

    The status is 0 for success, 1 for an error in the data or on the machine, 2 for incorrect usage or an invalid
    setting, 130 for an interruption, and 141 where the next command of a pipe reads no more.
    """
    from molvae.log import set_up_logging

    set_up_logging()
    # Schedulers end a job with SIGTERM. Like Ctrl-C it must unwind the stack, so that incomplete files are removed.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    debug = len(arguments) < len(sys.argv) - 1
    try:
        status = app(arguments or ["--help"], standalone_mode=False)
    except typer.TyperException as error:
        if debug:
            raise
        fail(error.format_message(), error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        status = INTERRUPTED
    except BrokenPipeError:
        # The next command of the pipe has read enough. Python would complain when it flushes standard output.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(PIPE_CLOSED)
    except MolvaeError as error:
        if debug:
            raise
        fail(str(error), error.exit_status)
    except Exception as error:
        if debug:
            raise
        if is_out_of_memory(error):
            fail(OUT_OF_MEMORY, 1)
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            fail(f"expected room on the disk, also for temporary files, found none ({error}); make room", 1)
        fail(f"unexpected {type(error).__name__}: {error}; run with --debug for the traceback", 1)
    # Typer turns an interrupt inside a command into this status.
    if status == INTERRUPTED:
        fail("interrupted; every output is complete or absent; run the same command again to resume", INTERRUPTED)
    sys.exit(status if isinstance(status, int) else 0)


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error, or one that it was raised from, says that no memory was left."""
    causes = [error]
    while (cause := causes[-1].__cause__ or causes[-1].__context__) is not None and cause not in causes:
        causes.append(cause)
    return any(isinstance(one, MemoryError) or any(sign in str(one) for sign in _SIGNS_OF_NO_MEMORY) for one in causes)


def fail(message: str, status: int) -> NoReturn:
    """Print `message` as one line on stderr and exit."""
    print(f"molvae: error: {' '.join(message.split())}", file=sys.stderr)
    sys.exit(status)
