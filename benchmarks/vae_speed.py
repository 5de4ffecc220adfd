"""Time training and sampling of the VAE, relative to the hardware limit and to the VAE of the MOSES package."""

import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from measure import DEVICE, N_JOBS, PEERS, ROOT, demo_smiles, demo_store, matrix_product_flops, seconds
from others import run_other
from speed_table import Row
from workers import decode_selfies

from molvae import load
from molvae.config import TrainConfig, load_config
from molvae.model.shipped import shipped_models
from molvae.nn.batch import Batch
from molvae.nn.generation import generate_accepted
from molvae.nn.tokens import TokenStore, length_bucketed
from molvae.nn.vae import VAE, LossWeights
from molvae.parallel import chunks_of, map_tasks
from molvae.train.shards import ShardedStep
from molvae.vocabulary import Vocabulary

N_MOLECULES = 20_000
N_STEPS = 20
N_SAMPLES = 30_000
N_DECODED = 4_096
WEIGHTS = LossWeights(0.05)


def bench_train() -> Iterator[Row | str]:
    """Measure full training steps of the default, demo and MOSES models, and of one as large as the MOSES VAE."""
    store, vocabulary = demo_store(N_MOLECULES)
    demo, moses = (load_config(ROOT / "workflow" / "config" / f"{name}.yaml").train for name in ("demo", "moses"))
    for name, config in {"the default model": TrainConfig(), "the demo": demo, "the moses preset": moses}.items():
        yield training_row(name, config, store, vocabulary)[0]
    peer = moses_package()
    if peer is None:
        yield "The MOSES package is not installed, so there is no comparison; `make bench` installs it."
        return
    row, rate = training_row("as large as the MOSES VAE", as_large_as(peer["parameters"], moses), store, vocabulary)
    yield row
    yield Row("  in molecules", rate, "molecules/s", "MOSES VAE", rate / peer["training"])
    yield Row("  MOSES VAE", peer["training"], "molecules/s")


def training_row(name: str, config: TrainConfig, store: TokenStore, vocabulary: Vocabulary) -> tuple[Row, float]:
    """Return the row of a configuration, and its rate in molecules per second."""
    vae = VAE(config.architecture(), len(vocabulary)).to(DEVICE)
    step = ShardedStep(vae, config)
    batches = length_bucketed(store.lengths, config.batch_size, np.random.default_rng(0))[:N_STEPS]

    def some_steps() -> None:
        for rows in batches:
            step.gradient(Batch.draw(*store.batch(rows, DEVICE), config.latent_dim, config.code_dropout), WEIGHTS)
            step.update(config.learning_rate)

    took = seconds(some_steps)
    step.close()
    tokens = sum(int(store.lengths[rows].sum()) for rows in batches) / took
    ratio = tokens * dense_flops_per_token(vae, config.code_dropout) / matrix_product_flops()
    n_parameters = sum(weights.numel() for weights in vae.parameters()) / 1e6
    what = f"training, {name}, {n_parameters:.1f} M"
    return Row(what, tokens, "tokens/s", "matrix product, same precision", ratio), sum(map(len, batches)) / took


def dense_flops_per_token(vae: VAE, code_dropout: float) -> float:
    """Return the operations per token of the dense weights, forward and backward (6 per weight)."""
    encoder = sum(w.numel() for name, w in vae.encoder.named_parameters() if "weight" in name and "layers" in name)
    decoder = sum(w.numel() for name, w in vae.decoder.named_parameters() if "weight" in name and "layers" in name)
    return 6 * ((1 - code_dropout) * encoder + decoder + vae.decoder.output.weight.numel())


def as_large_as(n_parameters: int, config: TrainConfig) -> TrainConfig:
    """Return the smallest configuration of the same shape with at least `n_parameters` parameters."""
    for hidden in range(64, 4096, 32):
        larger = config.model_copy(update={"encoder_hidden": hidden // 2, "decoder_hidden": hidden})
        with torch.device("meta"):
            if sum(weights.numel() for weights in VAE(larger.architecture(), 32).parameters()) >= n_parameters:
                return larger
    raise AssertionError(n_parameters)


def bench_sample() -> Iterator[Row | str]:
    """Measure sampling from a model that ships with molvae, to SELFIES and to SMILES."""
    if "moses" not in shipped_models():
        yield "The model moses is not installed, so sampling is skipped."
        return
    model = load("moses", DEVICE)
    peer = moses_package()
    limit = ("MOSES VAE, SMILES as sampled", peer["sampling"]) if peer else ("", float("nan"))

    def as_selfies() -> list[str]:
        generator = torch.Generator().manual_seed(1)
        prior = model.priors[model.generation.prior]
        sequences = generate_accepted(
            model.vae.decoder, lambda n: prior.sample(n, generator), N_SAMPLES, model.sampling_params(), generator
        )
        read = partial(decode_selfies, vocabulary=model.vocabulary)
        return [smiles for _, chunk in map_tasks(read, chunks_of(sequences), N_JOBS) for smiles in chunk]

    for what, work in {
        "sampling, moses, SELFIES decoded": as_selfies,
        "sampling, moses, canonical SMILES": lambda: model.sample(N_SAMPLES, 1, n_jobs=N_JOBS),
    }.items():
        rate = N_SAMPLES / seconds(work)
        yield Row(what, rate, "molecules/s", limit[0], rate / limit[1])
    if peer is not None:
        yield Row("  MOSES VAE", peer["sampling"], "molecules/s")
    codes = model.encode(demo_smiles(N_DECODED))
    yield Row("decoding greedily, canonical SMILES", N_DECODED / seconds(lambda: model.decode(codes)), "molecules/s")


_measured: dict[str, Any] = {}


def moses_package() -> dict[str, Any] | None:
    """Return the number of parameters of the MOSES VAE and its molecules per second, measured once."""
    if PEERS.exists() and not _measured:
        with tempfile.TemporaryDirectory() as folder:
            smiles = Path(folder) / "molecules.smi"
            smiles.write_text("\n".join(demo_smiles(N_MOLECULES)))
            environment = {"PYTHONPATH": str(PEERS), "PYTHONWARNINGS": "ignore"}
            _measured.update(run_other("moses_vae.py", [smiles], N_JOBS, environment))
    return _measured or None
