"""Time each metric of the MOSES package, with the statistics of the test sets that ship with it.

    PYTHONPATH=.venv/peers python benchmarks/moses_peer.py samples.smi train.smi 2 > peer.json

`make bench` installs molsets 0.3.1 and fcd_torch 1.0.7 there, without their dependencies, which can no longer be
installed.
"""

import json
import multiprocessing
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "golden"))
from make_moses_metrics import make_importable


def main(samples: Path, training: Path, n_jobs: int) -> None:
    make_importable()
    import torch
    from moses.dataset import get_statistics
    from moses.metrics import metrics as moses
    from moses.metrics.utils import QED, SA, get_mol, logP, weight
    from moses.utils import mapper
    from scipy.spatial.distance import cosine

    # Products of fragment counts overflow as integers.
    moses.cos_distance = lambda a, b: cosine(a.astype(float), b.astype(float))
    torch.set_num_threads(n_jobs)
    generated, train = (path.read_text().split() for path in (samples, training))
    references = {"Test": get_statistics("test"), "TestSF": get_statistics("test_scaffolds")}
    seconds: dict[str, float] = {}
    values: dict[str, float] = {}

    def measure(name: str, work: Callable[[], float]) -> None:
        begin = time.perf_counter()
        values[name] = float(work())
        seconds[name] = time.perf_counter() - begin

    with multiprocessing.Pool(n_jobs) as pool:
        begin = time.perf_counter()
        measure("valid", lambda: moses.fraction_valid(generated, pool))
        canonical = moses.remove_invalid(generated, canonize=True)
        for k in (1000, 10_000):
            measure(f"unique@{k}", lambda k=k: moses.fraction_unique(canonical, k, pool))
        mols = mapper(pool)(get_mol, canonical)
        options = {"n_jobs": pool, "device": "cpu", "batch_size": 512}
        for name, known in references.items():
            fcd = moses.FCDMetric(n_jobs=n_jobs, device="cpu", batch_size=512)
            measure(f"FCD/{name}", lambda fcd=fcd, known=known: fcd(gen=canonical, pref=known["FCD"]))
            for metric, kind in {"SNN": moses.SNNMetric, "Frag": moses.FragMetric, "Scaf": moses.ScafMetric}.items():
                call = kind(**options)
                measure(f"{metric}/{name}", lambda call=call, m=metric, known=known: call(gen=mols, pref=known[m]))
        measure("IntDiv", lambda: moses.internal_diversity(mols, pool, device="cpu"))
        measure("IntDiv2", lambda: moses.internal_diversity(mols, pool, device="cpu", p=2))
        measure("Filters", lambda: moses.fraction_passes_filters(mols, pool))
        for name, function in {"logP": logP, "SA": SA, "QED": QED, "weight": weight}.items():
            call = moses.WassersteinMetric(function, **options)
            measure(name, lambda call=call, name=name: call(gen=mols, pref=references["Test"][name]))
        measure("Novelty", lambda: moses.novelty(mols, train, pool))
        total = time.perf_counter() - begin
    json.dump({"seconds": seconds, "values": values, "total": total}, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
