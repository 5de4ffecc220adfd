"""Keep RDKit's messages off stderr while molecules are handled by the thousand."""

from collections.abc import Iterator
from contextlib import contextmanager

from rdkit import rdBase


@contextmanager
def quiet() -> Iterator[None]:
    """Silence RDKit's log inside the block, and put it back as it was.

    RDKit reports each faulty molecule on stderr. In a batch these are results (None, or a reject with a reason), and
    the messages are noise. May be nested.
    """
    block = rdBase.BlockLogs()
    try:
        yield
    finally:
        del block
