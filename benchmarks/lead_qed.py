"""Lead optimisation: a QED of at least .9 at a similarity of at least .4 to the lead, from leads of QED .7 to .8.

    python benchmarks/lead_qed.py LEADS.smi [--n-leads 100] [--calls 1000] [--seeds 1 2 3] [--out FILE]

A call is a distinct molecule whose QED is computed, the lead included; a search ends with the first molecule that
solves its lead. The similarity is that of the literature, Tanimoto of Morgan fingerprints of radius 2 folded to 2,048
bits. It is computed before a molecule is scored, so that what is not similar costs no call.

References:
    Jin, Barzilay and Jaakkola, Junction tree variational autoencoder for molecular graph generation, ICML 2018,
    arXiv:1802.04364 (task).
    Wang et al., Retrieval-based controllable molecule generation, ICLR 2023, arXiv:2208.11126 (RetMol).
"""

import argparse
import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np

import molvae
from molvae.config import LatentSearchConfig, RefitConfig
from molvae.model.model import MolVAE
from molvae.optimize.objective import Objective
from molvae.optimize.oracle import Oracle
from molvae.optimize.spec import ObjectiveSpec
from molvae.optimize.strategies.base import SearchContext
from molvae.optimize.strategies.latent_search import LatentSearch
from molvae.parallel import set_threads
from molvae.seeding import derive_seed

MIN_QED, MIN_SIMILARITY = 0.9, 0.4
READ_AT = (100, 200, 500, 1000)
"""Calls at which the fraction of leads that are solved is reported."""
BATCH_SIZE = 10
SETTINGS = LatentSearchConfig(
    grey_box=False,
    n_generations=2,
    n_perturbed=0,
    n_interpolated=0,
    n_sampled=0,
    n_fresh=1,
    refit=RefitConfig(n_steps=0),
)
"""Graph edits against the surrogate, which sees QED as one number, without the model: a search of a few seconds."""


@dataclass(frozen=True)
class Result:
    """How a lead was improved.

    Attributes:
        lead: The lead.
        seed: Seed of the search.
        n_calls: Calls up to the molecule that solves it; None if there is none.
        best: The molecule that solves it, otherwise the one of the highest QED.
        qed: QED of that.
        cpu_s: CPU seconds of the search.
    """

    lead: str
    seed: int
    n_calls: int | None
    best: str
    qed: float
    cpu_s: float


def objective_of(lead: str) -> Objective:
    """Return the objective: QED, near the lead."""
    near = {"smiles": lead, "similarity": MIN_SIMILARITY, "fingerprint": "ECFP4_bits"}
    return Objective(
        ObjectiveSpec.model_validate({"name": "qed", "terms": [{"property": "qed"}], "lead": near}), Path()
    )


def improve(model: MolVAE, lead: str, seed: int, budget: int, settings: LatentSearchConfig) -> Result:
    """Search until a molecule solves the lead, or the budget is spent."""
    begin = time.process_time()
    objective = objective_of(lead)
    seed_of_lead = derive_seed(seed, lead)
    context = SearchContext(model, [lead], [], budget, objective, seed_of_lead, n_jobs=1, device=model.device)
    strategy = LatentSearch(context, settings)
    with Oracle(objective, budget) as oracle:
        n_rounds = n_empty = 0
        while oracle.remaining and n_empty < 10:
            before = oracle.n_calls
            evaluations = oracle.score(strategy.ask(min(BATCH_SIZE, oracle.remaining)), n_rounds)
            if any(evaluation.feasible and evaluation.score >= MIN_QED for evaluation in evaluations):
                break
            strategy.tell(evaluations)
            n_rounds += 1
            n_empty = 0 if oracle.n_calls > before else n_empty + 1
        scores = np.array([one.score if one.feasible else 0.0 for one in oracle.evaluations])
        best = oracle.evaluations[int(scores.argmax())]
    solved = np.flatnonzero(scores >= MIN_QED)
    n_calls = int(solved[0]) + 1 if len(solved) else None
    return Result(lead, seed, n_calls, best.smiles, float(scores.max()), round(time.process_time() - begin, 2))


def table(results: Sequence[Result], calls: int) -> str:
    """Return the fraction of leads that are solved, as a Markdown table with a row a seed."""
    points = [n for n in READ_AT if n <= calls]
    lines = [f"| seed | {' | '.join(f'{n:,} calls' for n in points)} | median calls | CPU seconds a lead |"]
    lines.append("|---" * (len(points) + 3) + "|")
    for seed in dict.fromkeys(result.seed for result in results):
        of_seed = [result for result in results if result.seed == seed]
        needed = np.array([result.n_calls or np.inf for result in of_seed])
        solved = " | ".join(f"{100.0 * (needed <= n).mean():.1f} %" for n in points)
        seconds = np.mean([result.cpu_s for result in of_seed])
        lines.append(f"| {seed} | {solved} | {np.median(needed):.0f} | {seconds:.1f} |")
    return "\n".join(lines)


def main() -> None:
    """Improve the leads of a file and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("leads", type=Path, help="file with a SMILES at the start of each line")
    parser.add_argument("--n-leads", type=int, default=100, help="how many of them to improve, the first ones")
    parser.add_argument("--calls", type=int, default=1000, help="most calls a lead")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--out", type=Path, help="file for the results of each lead, JSON lines")
    options = parser.parse_args()
    set_threads(1)
    leads = [line.split()[0] for line in options.leads.read_text(encoding="utf-8").splitlines() if line.strip()]
    search = partial(improve, molvae.load("zinc250k"), budget=options.calls, settings=SETTINGS)
    results = []
    with open(options.out or os.devnull, "w", encoding="utf-8") as lines:
        for seed, lead in product(options.seeds, leads[: options.n_leads]):
            results.append(search(lead, seed))
            print(json.dumps(asdict(results[-1])), file=lines, flush=True)
    print(table(results, options.calls))


if __name__ == "__main__":
    main()
