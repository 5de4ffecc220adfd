"""Size and load time of a report: of a run as it is, and with 1,000 candidates and 10,000 points on the map.

python benchmarks/page.py results/demo
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from molvae.chem.descriptors import compute_properties
from molvae.config import load_config
from molvae.report import report
from molvae.report.run_data import load_run
from molvae.tables import CANDIDATES, LATENT_MAP

N_CANDIDATES, N_POINTS = 1000, 10_000
N_LOADS = 5


def main(folder: Path) -> None:
    config = load_config(folder / "config" / "report.yaml")
    with tempfile.TemporaryDirectory() as temporary:
        own = Path(shutil.copytree(folder, Path(temporary) / "results" / folder.name))
        measure("as it is", report(own, config, own / "page.html"))
        enlarge(own, [result.objective for result in load_run(own, config).optimizations])
        measure(f"{N_CANDIDATES:,} candidates, {N_POINTS:,} points", report(own, config, own / "page.html"))


def enlarge(folder: Path, objectives: list[str]) -> None:
    """Repeat the candidates and the points until there are as many as asked for, with the samples' structures."""
    samples = pd.read_csv(folder / "score" / "sample" / "molecules.csv")
    smiles = samples.loc[samples["valid"], "canonical_smiles"].drop_duplicates()
    for objective in objectives:
        path = folder / "optimize" / objective / CANDIDATES.file
        few = pd.read_csv(path)
        many = few.iloc[np.arange(N_CANDIDATES) % len(few)].reset_index(drop=True)
        many["smiles"] = smiles.head(N_CANDIDATES).to_numpy()
        properties = compute_properties(many["smiles"].tolist())
        many[properties.columns] = properties
        many.assign(rank=range(1, N_CANDIDATES + 1)).to_csv(path, index=False)
        shutil.rmtree(folder / "score" / objective, ignore_errors=True)
    path = folder / "evaluate" / LATENT_MAP.file
    few = pd.read_parquet(path)
    rng = np.random.default_rng(1)
    many = few.iloc[np.arange(N_POINTS) % len(few)].reset_index(drop=True)
    many[["x", "y"]] += rng.normal(0, 0.2, (N_POINTS, 2))
    many.to_parquet(path)


def measure(title: str, page: Path) -> None:
    from playwright.sync_api import sync_playwright

    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        seconds = []
        for _ in range(N_LOADS):
            tab = browser.new_context(offline=True, viewport={"width": 1360, "height": 900}).new_page()
            tab.goto(page.as_uri())
            seconds.append(tab.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd") / 1000)
            tab.context.close()
        browser.close()
    size, middle, slowest = page.stat().st_size / 1e6, np.median(seconds), max(seconds)
    print(f"{title}: {size:.2f} MB, loaded in {middle:.2f} s (median of {N_LOADS}, slowest {slowest:.2f} s)")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
