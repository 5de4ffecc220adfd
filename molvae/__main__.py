"""Entry point of `python -m molvae` and `torchrun -m molvae`."""

from molvae.cli.main import run

if __name__ == "__main__":
    run()
