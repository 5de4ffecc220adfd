"""Time training and sampling of the VAE of the MOSES package, with its default settings.

    PYTHONPATH=.venv/peers python benchmarks/moses_vae.py molecules.smi 2 > peer.json

`make bench` installs molsets 0.3.1 there.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "golden"))
from make_moses_metrics import make_importable

N_STEPS = 2
N_SAMPLES = 1_024


class BooleanMasks:
    """The module torch with boolean masks in place of the integer masks that the package was written for."""

    uint8 = torch.bool

    def __getattr__(self, name: str) -> object:
        """Return the attribute of torch."""
        return getattr(torch, name)


def main(molecules: Path, n_jobs: int) -> None:
    make_importable()
    import moses.vae.model
    from moses.vae.config import get_parser
    from moses.vae.trainer import VAETrainer

    moses.vae.model.torch = BooleanMasks()
    torch.set_num_threads(n_jobs)
    config = get_parser(argparse.ArgumentParser()).parse_args([])
    smiles = molecules.read_text().split()
    trainer = VAETrainer(config)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = moses.vae.model.VAE(trainer.get_vocabulary(smiles), config).to(device)
    optimizer = torch.optim.Adam(trainer.get_optim_params(model), lr=config.lr_start)
    collate = trainer.get_collate_fn(model)
    batches = [smiles[i * config.n_batch : (i + 1) * config.n_batch] for i in range(N_STEPS)]

    def some_steps() -> None:
        for batch in batches:
            kl_loss, reconstruction = model(tuple(tensor.to(device) for tensor in collate(batch)))
            loss = config.kl_w_end * kl_loss + reconstruction
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(trainer.get_optim_params(model), config.clip_grad)
            optimizer.step()
            loss.item()

    training = N_STEPS * config.n_batch / seconds(some_steps)
    model.eval()
    sampling = N_SAMPLES / seconds(lambda: model.sample(N_SAMPLES))
    n_parameters = sum(weights.numel() for weights in model.parameters())
    json.dump({"parameters": n_parameters, "training": training, "sampling": sampling}, sys.stdout)


def seconds(work: Callable[[], object]) -> float:
    """Return the median time of three runs, after a warm-up run; each ends with a transfer to the CPU."""
    work()
    times = []
    for _ in range(3):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
