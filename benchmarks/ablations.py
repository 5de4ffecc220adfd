"""Measure the effect of each setting of the model and its training at equal compute, on the demo molecules.

    python benchmarks/ablations.py results/ablations            # all; resumes, and prints a Markdown table
    python benchmarks/ablations.py results/ablations LSTM relu  # some, plus all finished ones

Each model is trained for as many epochs as fit into the same CPU time on one core, and evaluated by `molvae evaluate`.
One model per core is trained at a time. Differences smaller than those between the seeds of the default are noise.
"""

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from measure import N_JOBS, ROOT
from numpy.typing import NDArray

from molvae.config import TrainConfig, load_config
from molvae.nn.batch import Batch
from molvae.nn.tokens import TokenStore, length_bucketed
from molvae.nn.vae import VAE, LossWeights
from molvae.train.shards import ShardedStep
from molvae.vocabulary import Vocabulary

CPU_SECONDS = 300
"""CPU time of the training of each model."""

VARIANTS: dict[str, list[str]] = {
    "default": [],
    "default, seed 2": ["seed=2"],
    "default, seed 3": ["seed=3"],
    "LSTM": ["train.cell=lstm"],
    "LSTM, code_dropout .3": ["train.cell=lstm", "train.code_dropout=0.3"],
    "unidirectional encoder": ["train.bidirectional=false"],
    "two decoder layers": ["train.decoder_layers=2"],
    "two encoder layers": ["train.encoder_layers=2"],
    "smaller: 128, 224": ["train.encoder_hidden=128", "train.decoder_hidden=224"],
    "larger: 288, 480": ["train.encoder_hidden=288", "train.decoder_hidden=480"],
    "latent_dim 32": ["train.latent_dim=32"],
    "latent_dim 128": ["train.latent_dim=128"],
    "embedding_dim 32": ["train.embedding_dim=32"],
    "relu": ["train.activation=relu"],
    "gelu": ["train.activation=gelu"],
    "dropout .1": ["train.dropout=0.1"],
    "kl_weight .01": ["train.kl_weight=0.01"],
    "kl_weight .2": ["train.kl_weight=0.2"],
    "kl_weight 1": ["train.kl_weight=1"],
    "KL constant": ["train.kl_schedule=constant"],
    "KL sigmoid": ["train.kl_schedule=sigmoid"],
    "KL cyclical": ["train.kl_schedule=cyclical"],
    "free_bits .1": ["train.free_bits=0.1"],
    "z_l2 .01": ["train.z_l2=0.01"],
    "word_dropout .1": ["train.word_dropout=0.1"],
    "code_dropout 0": ["train.code_dropout=0"],
    "code_dropout .1": ["train.code_dropout=0.1"],
    "code_dropout .4": ["train.code_dropout=0.4"],
    "randomised_input .5": ["train.randomised_input=0.5"],
    "property_head": ["train.property_head={logp: 1, qed: 1}"],
    "batch_size 64": ["train.batch_size=64"],
    "batch_size 256": ["train.batch_size=256"],
    "learning_rate .001": ["train.learning_rate=0.001"],
    "float32": ["train.precision=float32"],
}

# These do not change the time of a step, so such variants train for as many epochs as the default.
TIMELESS = (
    *("seed", "train.kl_weight", "train.kl_schedule", "train.free_bits", "train.z_l2", "train.learning_rate"),
    *("train.word_dropout", "train.code_dropout"),
)

# Many test molecules, so that the Fréchet distance can tell the models apart.
PREPARE = ["prepare.validation_fraction=0.05", "prepare.test_fraction=0.3"]
# With a single prior and threshold there is nothing to choose, so few samples suffice.
ALL = [
    "train.priors=[decoder]",
    "train.prior_samples=10",
    "train.min_probabilities=[0.0]",
    "train.rejected_fractions=[0.0]",
]
EVALUATE = ["evaluate.n_reconstruct=3000", "evaluate.n_samples=3000", "evaluate.n_latent=1500", "evaluate.n_map=3"]

CPU = torch.device("cpu")
SHOWN = {"posterior_samples": "FCD posterior", "midpoints": "FCD midpoints", "interpolated": "FCD interpolated"}


def main(out: Path, chosen: list[str]) -> None:
    """Train and evaluate the missing variants, and print the table of all finished ones."""
    unknown = [name for name in chosen if name not in VARIANTS]
    if unknown:
        sys.exit(f"expected some of {', '.join(VARIANTS)}, found {', '.join(unknown)}")
    prepared = out / "prepare"
    if not (prepared / "summary.json").exists():
        molvae("prepare", ROOT / "data" / "demo.smi.gz", "--out", prepared, sets=PREPARE)
    torch.set_num_threads(1)
    # One after the other, because CPU time is measured for the whole process.
    epochs = {name: epochs_of(name, prepared, out) for name in chosen or VARIANTS}
    with ThreadPoolExecutor(N_JOBS) as pool:
        list(pool.map(lambda name: compare(name, epochs[name], prepared, folder_of(out, name)), epochs))
    print(table(out).to_markdown(index=False))


def folder_of(out: Path, name: str) -> Path:
    return out / name.replace(" ", "_").replace(",", "").replace(":", "")


def epochs_of(name: str, prepared: Path, out: Path) -> int:
    """Return the number of epochs of a variant that fit into the CPU time, measured once."""
    if name != "default" and all(setting.split("=")[0] in TIMELESS for setting in VARIANTS[name]):
        return epochs_of("default", prepared, out)
    plan = folder_of(out, name) / "plan.json"
    if not plan.exists():
        an_epoch = seconds_an_epoch(load_config(None, VARIANTS[name]).train, prepared)
        plan.parent.mkdir(parents=True, exist_ok=True)
        plan.write_text(json.dumps({"epochs": max(1, round(CPU_SECONDS / an_epoch))}))
    return int(json.loads(plan.read_text())["epochs"])


def compare(name: str, epochs: int, prepared: Path, folder: Path) -> None:
    """Train a variant within the CPU time, and evaluate it."""
    if (folder / "evaluate" / "metrics.json").exists():
        return
    # Early stopping, which is on by default, is not part of the comparison.
    sets = [*ALL, *VARIANTS[name], f"train.epochs={epochs}", f"train.patience={epochs}"]
    molvae("train", prepared, "--out", folder / "train", "--threads", 1, sets=sets)
    model = folder / "train" / "model"
    molvae("evaluate", model, "--reference", prepared, "--out", folder / "evaluate", "--threads", 1, sets=EVALUATE)


def molvae(verb: str, *arguments: object, sets: list[str]) -> None:
    """Run the command line; on failure the script ends with the error message of the command."""
    options = [text for setting in sets for text in ("--set", setting)]
    command = [str(Path(sys.executable).parent / "molvae"), verb, *map(str, arguments), *options]
    environment = os.environ | {"OMP_WAIT_POLICY": "PASSIVE"}
    outcome = subprocess.run(command, check=False, env=environment, capture_output=True, text=True)
    if outcome.returncode:
        raise RuntimeError(f"{' '.join(command)}: {outcome.stderr}")


def seconds_an_epoch(config: TrainConfig, prepared: Path) -> float:
    """Return the CPU seconds of an epoch on one thread, estimated from a few steps."""
    molecules = pd.read_parquet(prepared / "molecules.parquet", columns=["selfies", "split"])
    selfies = molecules.loc[molecules["split"] == "train", "selfies"].tolist()
    vocabulary = Vocabulary.from_selfies(selfies)
    store = TokenStore.from_strings(selfies, vocabulary)
    vae = VAE(config.architecture(), len(vocabulary), len(config.property_head))
    step = ShardedStep(vae, config)
    batches = length_bucketed(store.lengths, config.batch_size, np.random.default_rng(0))
    timed = batches[: max(4, 4000 // config.batch_size)]

    def take_steps(some: list[NDArray[np.unsignedinteger]]) -> None:
        for rows in some:
            batch = Batch.draw(*store.batch(rows, CPU), config.latent_dim, config.code_dropout, config.word_dropout)
            step.gradient(batch, LossWeights(config.kl_weight))
            step.update(config.learning_rate)

    take_steps(timed[:3])
    begin = time.process_time()
    take_steps(timed)
    took = time.process_time() - begin
    step.close()
    return took * len(batches) / len(timed)


def table(out: Path) -> pd.DataFrame:
    """Return one row per finished variant."""
    rows = []
    for name in VARIANTS:
        folder = folder_of(out, name)
        if not (folder / "evaluate" / "metrics.json").exists():
            continue
        metrics = json.loads((folder / "evaluate" / "metrics.json").read_text())
        training = json.loads((folder / "train" / "model" / "config.json").read_text())["training"]
        rows.append(
            {
                "variant": name,
                "parameters": f"{training['n_parameters'] / 1e6:.2f} M",
                "epochs": training["epochs"],
                "reconstruction": f"{metrics['exact_reconstruction']['value']:.3f}",
                "KL, nats": f"{metrics['kl_nats']['value']:.0f}",
                "FCD samples": f"{metrics['fcd_prior']['value']:.2f}",
                **{title: f"{metrics['decoded'][kind]['fcd']['value']:.2f}" for kind, title in SHOWN.items()},
            }
        )
    return pd.DataFrame(rows)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
