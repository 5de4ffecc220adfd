"""`python -m molvae` is `molvae`; `torchrun -m molvae` needs it so."""

from molvae.cli.main import run

if __name__ == "__main__":
    run()
