"""The `molvae` command: one verb a stage, and verbs for work on a trained model."""

import functools
import importlib
import signal
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import typer

from molvae.errors import MolvaeError
from molvae.version import __version__

app = typer.Typer(
    name="molvae",
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Turn a list of molecules into new, valid, plausible molecules that are better in a sense of your choice.",
)

INTERRUPTED = 128 + signal.SIGINT

# A verb's module holds a function of the same name. Heavy libraries are imported inside it, so that help is instant.
VERBS = {
    "Stages": ["prepare", "train", "evaluate", "sample", "optimize", "score", "report"],
    "Work with a trained model": ["encode", "decode", "interpolate", "neighbors", "anomaly"],
    "Objectives": ["objective"],
}


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
        app.command(verb, rich_help_panel=panel)(without_end_of_file(function))


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"molvae {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(False, "--version", callback=_show_version, is_eager=True, help="Show the version."),
    debug: bool = typer.Option(False, "--debug", help="Show the traceback of a failure; may stand anywhere."),
) -> None:
    pass


def run() -> NoReturn:
    """Run the command line; every failure is one line on stderr and an exit status.

    The status is 0 when done, 1 for a failure on the data or the machine, 2 for a wrong usage or setting, 130 when
    interrupted.
    """
    from molvae.log import set_up_logging

    set_up_logging()
    # A scheduler ends a job by SIGTERM. Like Ctrl-C it must unwind, so that half-written files are removed.
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
    except MolvaeError as error:
        if debug:
            raise
        fail(str(error), error.exit_status)
    except Exception as error:
        if debug:
            raise
        fail(f"unexpected {type(error).__name__}: {error}; --debug shows where", 1)
    # Typer turns an interrupt inside a verb into this status.
    if status == INTERRUPTED:
        fail("interrupted; outputs are whole or absent, and the same command goes on", INTERRUPTED)
    sys.exit(status if isinstance(status, int) else 0)


def fail(message: str, status: int) -> NoReturn:
    """Print `message` as one line on stderr and exit."""
    print(f"molvae: error: {' '.join(message.split())}", file=sys.stderr)
    sys.exit(status)
