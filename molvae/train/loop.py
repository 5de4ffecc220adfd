"""The training loop."""

import copy
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from molvae.config import TrainConfig
from molvae.errors import NO_ROOM, DataError, MolvaeError
from molvae.log import logger, progress
from molvae.nn.losses import kl_to_standard_normal, sequence_nll
from molvae.nn.schedules import KL_SCHEDULES, learning_rate_factor
from molvae.nn.tokens import by_length, length_bucketed
from molvae.nn.vae import VAE, LossWeights
from molvae.seeding import derive_seed, numpy_generator
from molvae.train.checkpoint import Checkpoint
from molvae.train.molecules import Molecules
from molvae.train.processes import add_up, is_first, number_of_processes, rank
from molvae.train.shards import ShardedStep
from molvae.vocabulary import PAD_ID


@dataclass
class TrainState:
    """The progress of a training; with the weights and the optimisers, all that is needed to resume it.

    Attributes:
        epoch: Epochs finished.
        batch: Batches finished in the current epoch.
        seconds: Time spent so far.
        history: A row for each finished epoch, as written to `history.csv`.
        sums: Sums over the molecules of the current epoch: reconstruction, kl, properties, unconditional, float64 (4,).
        n_conditional: Molecules of the current epoch that were decoded from their code.
        n_unconditional: Molecules of the current epoch that were decoded unconditionally.
        best_loss: Lowest validation loss so far.
        best_epoch: The epoch of that loss.
        best_weights: The weights of that epoch.
        finished: Whether training is over.
    """

    epoch: int = 0
    batch: int = 0
    seconds: float = 0.0
    history: list[dict[str, float]] = field(default_factory=list)
    sums: Tensor = field(default_factory=lambda: torch.zeros(4, dtype=torch.float64))
    n_conditional: int = 0
    n_unconditional: int = 0
    best_loss: float = math.inf
    best_epoch: int = 0
    best_weights: dict[str, Tensor] = field(default_factory=dict)
    finished: bool = False


def fit(
    vae: VAE,
    train: Molecules,
    validation: Molecules,
    config: TrainConfig,
    seed: int,
    checkpoint: Checkpoint,
) -> list[dict[str, float]]:
    """Train `vae` in place, restore its best weights, and return the history.

    Resumes from the checkpoint if there is one; the result is the same as without the interruption.

    Args:
        vae: The networks, on the device to train on.
        train: Training molecules.
        validation: Held-out molecules for early stopping and the choice of the best weights.
        config: Settings.
        seed: The run's seed.
        checkpoint: Where to save and resume.

    Returns:
        A row for each epoch with the columns of `history.csv`.
    """
    sharded = ShardedStep(vae, config)
    state = _resume(checkpoint, vae, sharded.optimizers) or TrainState()
    state.sums = state.sums.to(next(vae.parameters()).device)
    n_batches = math.ceil(len(train) / config.batch_size)
    saved = started = time.monotonic() - state.seconds
    done = state.epoch * n_batches + state.batch
    with progress("train", n_batches * config.epochs, done) as advance:
        while not state.finished:
            vae.train()
            for _ in _epoch(state, sharded, train, config, seed):
                advance(1)
                if time.monotonic() - saved > config.checkpoint_every_s:
                    saved = time.monotonic()
                    state.seconds = saved - started
                    _save(checkpoint, state, vae, sharded.optimizers)
            state.seconds = time.monotonic() - started
            _finish_epoch(state, vae, validation, config, n_batches)
            _save(checkpoint, state, vae, sharded.optimizers)
    sharded.close()
    vae.load_state_dict(state.best_weights)
    return state.history


def _epoch(state: TrainState, sharded: ShardedStep, train: Molecules, config: TrainConfig, seed: int) -> Iterator[None]:
    """Take the remaining steps of the current epoch, and yield after each."""
    batches = length_bucketed(train.tokens.lengths, config.batch_size, numpy_generator(seed, f"shuffle {state.epoch}"))
    n_steps = len(batches) * config.epochs
    while state.batch < len(batches):
        step = state.epoch * len(batches) + state.batch
        batch = train.draw_batch(batches[state.batch], config, seed, step, state.sums.device)
        # Dropout uses torch's global generator; seeded at each step, it has no state to save.
        torch.manual_seed(derive_seed(seed, f"dropout {step}") + rank())
        state.sums += sharded.gradient(batch, loss_weights(config, step / n_steps))
        state.n_conditional += batch.n_conditional
        state.n_unconditional += batch.n_unconditional
        sharded.update(learning_rate(config, step, n_steps))
        state.batch += 1
        yield


def loss_weights(config: TrainConfig, done: float) -> LossWeights:
    """Return the weights of the loss after a fraction `done` of all steps."""
    kl = config.kl_weight * KL_SCHEDULES[config.kl_schedule](done, config.kl_warmup)
    return LossWeights(kl, config.free_bits, config.z_l2, tuple(config.property_head.values()))


def learning_rate(config: TrainConfig, step: int, n_steps: int) -> float:
    """Return the learning rate of a step."""
    # A short training has a shorter warm-up.
    warmup_steps = min(config.warmup_steps, n_steps // 10)
    return config.learning_rate * learning_rate_factor(step, n_steps, warmup_steps, config.learning_rate_end)


@torch.no_grad()
def validate(vae: VAE, validation: Molecules, config: TrainConfig) -> dict[str, float]:
    """Evaluate the model on held-out molecules, teacher-forced, from the posterior mean and unconditionally.

    The molecules are distributed over the processes that train together.

    Returns:
        Columns of `history.csv`: nats are means over molecules. The loss consists of reconstruction, KL at its final
        weight, properties and the unconditional loss, weighted as in training, without free bits and the penalty on z.
    """
    vae.eval()
    device = next(vae.parameters()).device
    weights = tuple(config.property_head.values())
    sums = torch.zeros(6, dtype=torch.float64, device=device)
    for rows in by_length(validation.tokens.lengths, 512)[rank() :: number_of_processes()]:
        token_ids, lengths = validation.tokens.batch(rows, device)
        mu, log_var = vae.encode(token_ids, lengths)
        logits = vae.logits(token_ids, mu)
        is_correct = (logits.argmax(2) == token_ids) & (token_ids != PAD_ID)
        unconditional_nll = sequence_nll(vae.logits(token_ids, torch.zeros_like(mu)), token_ids)
        kl = kl_to_standard_normal(mu, log_var).sum(1)
        properties = vae.property_loss(mu, validation.standardised(rows, device), weights) * len(rows)
        nll = sequence_nll(logits, token_ids)
        parts = [nll.sum(), kl.sum(), properties, unconditional_nll.sum(), is_correct.sum(), lengths.sum()]
        sums += torch.stack([part.double() for part in parts])
    add_up(sums)
    *totals, n_correct, n_tokens = sums.tolist()
    reconstruction, mean_kl, property_loss, unconditional = (total / len(validation) for total in totals)
    conditional = reconstruction + config.kl_weight * mean_kl + property_loss
    return {
        "validation_reconstruction_nats": reconstruction,
        "validation_kl_nats": mean_kl,
        "validation_unconditional_nats": unconditional,
        **({"validation_property_nats": property_loss} if config.property_head else {}),
        "validation_token_accuracy": n_correct / n_tokens,
        "validation_loss": (1.0 - config.code_dropout) * conditional + config.code_dropout * unconditional,
    }


def _finish_epoch(state: TrainState, vae: VAE, validation: Molecules, config: TrainConfig, n_batches: int) -> None:
    """Validate, append a row to the history, and decide whether this epoch is the best so far and whether to stop."""
    metrics = validate(vae, validation, config)
    if not math.isfinite(metrics["validation_loss"]):
        raise MolvaeError(
            f"training: expected a finite loss, found {metrics['validation_loss']} after epoch {state.epoch + 1}; "
            "lower train.learning_rate or train.gradient_clip"
        )
    reconstruction, kl, properties, unconditional = state.sums.tolist()
    state.epoch += 1
    step, n_steps = state.epoch * n_batches, config.epochs * n_batches
    row = {
        "epoch": state.epoch,
        "step": step,
        "learning_rate": learning_rate(config, step - 1, n_steps),
        "kl_weight": loss_weights(config, (step - 1) / n_steps).kl,
        "train_reconstruction_nats": reconstruction / state.n_conditional,
        "train_kl_nats": kl / state.n_conditional,
        "train_unconditional_nats": unconditional / state.n_unconditional if state.n_unconditional else math.nan,
        **({"train_property_nats": properties / state.n_conditional} if config.property_head else {}),
        **metrics,
        "seconds": round(state.seconds, 1),
    }
    state.history.append(row)
    state.batch = 0
    state.sums = torch.zeros_like(state.sums)
    state.n_conditional = state.n_unconditional = 0
    if metrics["validation_loss"] < state.best_loss:
        state.best_loss = metrics["validation_loss"]
        state.best_epoch = state.epoch
        state.best_weights = copy.deepcopy({name: weight.cpu() for name, weight in vae.state_dict().items()})
    # While the KL weight rises, the validation loss does not yet measure what is minimised: patience begins after that.
    warmed_up = math.ceil(config.kl_warmup * config.epochs) if config.kl_schedule != "constant" else 0
    stopped = state.epoch - max(state.best_epoch, warmed_up) >= config.patience
    no_time = config.max_minutes is not None and _ends_too_late(state, 60.0 * config.max_minutes)
    state.finished = stopped or no_time or state.epoch == config.epochs
    seconds_left = state.seconds / state.epoch * (config.epochs - state.epoch)
    logger.info(
        "epoch %d of %d: reconstruction %.2f nats, KL %.1f, unconditional %.2f, token accuracy %.4f, %.0f s left",
        state.epoch,
        config.epochs,
        *(metrics[f"validation_{name}"] for name in ("reconstruction_nats", "kl_nats", "unconditional_nats")),
        metrics["validation_token_accuracy"],
        seconds_left,
    )
    if stopped:
        logger.info("no better validation loss in %d epochs: stopped early", config.patience)
    elif no_time and state.epoch < config.epochs:
        logger.warning(
            "no time for another epoch within train.max_minutes %g: stopped after %d of %d; fewer train.epochs in the "
            "same time give a better model, because the learning rate falls to its end",
            *(config.max_minutes, state.epoch, config.epochs),
        )


def _ends_too_late(state: TrainState, limit_s: float) -> bool:
    """Say whether another epoch would end after `limit_s` seconds, by the clock of any process that trains."""
    late = torch.tensor(float(state.seconds / state.epoch * (state.epoch + 1) > limit_s), device=state.sums.device)
    # Processes that disagree would wait for one another forever.
    add_up(late)
    return bool(late > 0.0)


def _save(checkpoint: Checkpoint, state: TrainState, vae: VAE, optimizers: list[torch.optim.Optimizer]) -> None:
    """Save a checkpoint; on a full disk the one before it stays, since there may be room again until the end."""
    if not is_first():
        return
    content = {
        "train_state": vars(state),
        "weights": vae.state_dict(),
        "optimizers": [optimizer.state_dict() for optimizer in optimizers],
    }
    try:
        checkpoint.save(content)
    except DataError as error:
        if not isinstance(error.__cause__, OSError) or error.__cause__.errno not in NO_ROOM:
            raise
        logger.warning("%s; training goes on, and resumes from an earlier checkpoint if it is interrupted", error)


def _resume(checkpoint: Checkpoint, vae: VAE, optimizers: list[torch.optim.Optimizer]) -> TrainState | None:
    content = checkpoint.load()
    if content is None:
        return None
    vae.load_state_dict(content["weights"])
    for optimizer, saved in zip(optimizers, content["optimizers"], strict=True):
        optimizer.load_state_dict(saved)
    state = TrainState(**content["train_state"])
    logger.info("resuming from the checkpoint: epoch %d, batch %d", state.epoch + 1, state.batch + 1)
    return state
