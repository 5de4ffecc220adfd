"""Draw the demo molecules from the MOSES data set.

    python data/make_demo.py train.csv.gz test.csv.gz --out data

The same source files give the same molecules in the same order on every machine.
"""

import argparse
import gzip
import hashlib
from pathlib import Path

from molvae.chem.reading import Record, read_molecules
from molvae.files import replacing
from molvae.seeding import numpy_generator

SEED = 1
N_TRAIN, N_TEST = 50_000, 5_000


def draw(source: Path, n: int, split: str) -> list[Record]:
    """Return `n` records of a file, drawn without replacement, in the order of the file."""
    records = list(read_molecules(source))
    chosen = numpy_generator(SEED, f"demo {split}").choice(len(records), size=n, replace=False)
    return [records[number] for number in sorted(chosen)]


def write(path: Path, records: list[Record], split: str) -> str:
    """Write the records as a compressed `.smi` file, named by set and row, and return its SHA-256."""
    # Row 1 of the set is line 2 of its file, after the header.
    lines = [f"{record.smiles} moses-{split}-{record.line - 1:07d}\n" for record in records]
    # No time of day and no file name in the gzip header, so that the bytes depend on the molecules only.
    content = gzip.compress("".join(lines).encode(), compresslevel=9, mtime=0)
    with replacing(path) as temporary:
        temporary.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def main() -> None:
    """Draw both files and print their checksums."""
    parser = argparse.ArgumentParser(description="Draw the demo molecules from the MOSES data set.")
    parser.add_argument("train", type=Path, help="the set's train.csv.gz, with a column SMILES")
    parser.add_argument("test", type=Path, help="the set's test.csv.gz")
    parser.add_argument("--out", type=Path, default=Path("data"), help="folder to write")
    arguments = parser.parse_args()
    for source, n, split, name in (
        (arguments.train, N_TRAIN, "train", "demo.smi.gz"),
        (arguments.test, N_TEST, "test", "demo_test.smi.gz"),
    ):
        print(write(arguments.out / name, draw(source, n, split), split), name)


if __name__ == "__main__":
    main()
