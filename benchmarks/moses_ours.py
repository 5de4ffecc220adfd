"""Time the MOSES metrics of molvae: all in one pass, as computed by `molvae score`, and each separately.

    python benchmarks/moses_ours.py samples.smi test.csv test_scaffolds.csv 2 > ours.json

The statistics of the test sets are read from the cache (`$MOLVAE_CACHE`), as the package reads its own from its files.
"""

import json
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from rdkit import Chem

from molvae.chem.alerts import passes_moses_filters, structural_alerts
from molvae.chem.descriptors import compute_properties
from molvae.chem.fcd import chemnet_statistics, frechet_distance
from molvae.chem.fingerprints import morgan_bits, nearest
from molvae.chem.fragments import brics_fragments
from molvae.chem.pattern_set import pattern_bits
from molvae.chem.reading import read_molecules
from molvae.metrics.comparison import mean_powers
from molvae.metrics.definitions import COMPARED_PROPERTIES
from molvae.metrics.reference import counted_scaffold, reference_statistics
from molvae.parallel import map_chunks, set_threads
from molvae.score.describe import describe
from molvae.score.moses import Compared, moses_metrics


def map_mols(function: Callable[[Chem.Mol], object], smiles: list[str]) -> list[object]:
    return [function(Chem.MolFromSmiles(text)) for text in smiles]


def filtered(smiles: list[str]) -> list[bool]:
    mols = [Chem.MolFromSmiles(text) for text in smiles]
    bits = pattern_bits(mols)
    return passes_moses_filters(mols, structural_alerts(mols, ["PAINS", "MCF"], bits), bits)


def main(samples: Path, test: Path, test_scaffolds: Path, n_jobs: int) -> None:
    set_threads(n_jobs)
    smiles = samples.read_text().split()
    sets = {"Test": test, "TestSF": test_scaffolds}
    known = {name: [record.smiles for record in read_molecules(path)] for name, path in sets.items()}
    seconds: dict[str, float] = {}

    def measure(name: str, work: Callable[[], object]) -> None:
        begin = time.perf_counter()
        work()
        seconds[name] = time.perf_counter() - begin

    begin = time.perf_counter()
    tests = {name: reference_statistics(molecules, n_jobs) for name, molecules in known.items()}
    moses_metrics(Compared(describe(smiles, n_jobs), smiles, smiles, tests, seed=1))
    total = time.perf_counter() - begin
    for name, statistics in tests.items():
        measure(f"FCD/{name}", lambda s=statistics: frechet_distance(chemnet_statistics(smiles, n_jobs), s.moments))
        measure(f"SNN/{name}", lambda s=statistics: nearest(morgan_bits(smiles, n_jobs=n_jobs), s.fingerprints))
    functions = {"valid": Chem.MolToSmiles, "Frag/Test": brics_fragments, "Scaf/Test": counted_scaffold}
    for name, function in functions.items():
        measure(name, lambda f=function: list(map_chunks(partial(map_mols, f), smiles, n_jobs)))
    measure("Filters", lambda: list(map_chunks(filtered, smiles, n_jobs)))
    measure("IntDiv", lambda: mean_powers(morgan_bits(smiles, n_jobs=n_jobs)))
    for moses_name, name in COMPARED_PROPERTIES.items():
        measure(moses_name, lambda name=name: compute_properties(smiles, [name], n_jobs))
    json.dump({"seconds": seconds, "total": total}, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))
