"""Measure fine-tuning on a small series: the fraction of samples with its core, and how much the model forgets.

    python benchmarks/finetune.py moses zinc250k.smi.gz "O=S1(=O)CCCC1" test.csv.gz

The series is 500 molecules of the library with the core as a substructure, and the settings are those of
`workflow/config/finetune.yaml`. The last file contains held-out molecules of the initial training.
"""

import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path

from measure import N_JOBS, ROOT
from rdkit import Chem

from molvae import load
from molvae.chem.reading import read_molecules
from molvae.model.model import MolVAE

N_SERIES = 500
N_SAMPLES = 10_000
N_RECONSTRUCT = 2_000
PRESET = ROOT / "workflow" / "config" / "finetune.yaml"


def main(base_name: str, library: Path, core: str, known: Path) -> None:
    """Fine-tune a model and print the metrics before and after."""
    pattern = Chem.MolFromSmiles(core)
    held = [record.smiles for record in islice(read_molecules(known), N_RECONSTRUCT)]
    with tempfile.TemporaryDirectory() as folder:
        series, prepared, out = Path(folder) / "series.smi", Path(folder) / "prepare", Path(folder) / "train"
        series.write_text("".join(f"{smiles}\n" for smiles in islice(with_core(library, pattern), N_SERIES)))
        base = load(base_name, "cpu")
        molvae("prepare", series, "--out", prepared, "--config", PRESET, "--set", "prepare.stereo=drop")
        begin = time.perf_counter()
        molvae(
            "train",
            prepared,
            "--out",
            out,
            "--config",
            PRESET,
            "--set",
            f"train.init_from={base_name}",
            "--set",
            "device=cpu",
        )
        took = time.perf_counter() - begin
        tuned = load(out / "model", "cpu")
    print(f"training took {took:.0f} s on {N_JOBS} threads")
    print(f"{'':<10}{'samples with the core':>24}{'exact reconstruction of held-out molecules':>44}")
    for name, model in {"before": base, "after": tuned}.items():
        print(f"{name:<10}{fraction_with(model, pattern):>24.2%}{reconstructed(model, held):>40.3f}")


def with_core(library: Path, pattern: Chem.Mol) -> list[str]:
    records = (record.smiles for record in read_molecules(library))
    return [smiles for smiles in records if has_core(smiles, pattern)]


def has_core(smiles: str | None, pattern: Chem.Mol) -> bool:
    mol = Chem.MolFromSmiles(smiles) if smiles else None
    return mol is not None and mol.HasSubstructMatch(pattern)


def fraction_with(model: MolVAE, pattern: Chem.Mol) -> float:
    return sum(has_core(smiles, pattern) for smiles in model.sample(N_SAMPLES, 1)) / N_SAMPLES


def reconstructed(model: MolVAE, smiles: list[str]) -> float:
    canonical = [molecule.smiles for molecule in model.read(smiles)]
    decoded = model.decode(model.encode(smiles))
    return sum(a == b for a, b in zip(canonical, decoded, strict=True)) / len(smiles)


def molvae(*arguments: object) -> None:
    """Run the command line; on failure the script ends with the error message of the command."""
    subprocess.run([Path(sys.executable).parent / "molvae", *map(str, arguments)], check=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], Path(sys.argv[4]))
