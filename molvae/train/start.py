"""The initial state of a training: random weights, or those of a trained model."""

from dataclasses import dataclass

import torch

from molvae.config import ModelConfig, StandardiseConfig, TrainConfig
from molvae.errors import ConfigError
from molvae.log import logger
from molvae.model.loading import load
from molvae.model.model import MolVAE
from molvae.nn.property_head import PropertyScale
from molvae.nn.vae import VAE
from molvae.seeding import derive_seed
from molvae.vocabulary import Vocabulary

# Padding, start and end: the first tokens of every vocabulary.
N_SPECIAL = 3
# Weights whose rows belong to tokens.
PER_TOKEN = ("embedding.weight", "decoder.embedding.weight", "decoder.output.weight", "decoder.output.bias")
HEAD = "property_head."
"""What the names of the property head's weights begin with."""


@dataclass(frozen=True)
class InitialState:
    """Networks and settings before the first step.

    Attributes:
        vae: The networks, on the CPU.
        vocabulary: Their tokens.
        config: The settings, with the architecture of the networks.
        standardisation: How the molecules are standardised and written as SELFIES.
        base: The model that is trained further, if there is one.
        scales: The properties of its head, if they are the ones to predict.
    """

    vae: VAE
    vocabulary: Vocabulary
    config: TrainConfig
    standardisation: StandardiseConfig
    base: MolVAE | None = None
    scales: tuple[PropertyScale, ...] = ()


def starting_point(
    config: TrainConfig, vocabulary: Vocabulary, standardisation: StandardiseConfig, seed: int
) -> InitialState:
    """Return networks with random weights, or with those of the model in `init_from`.

    Args:
        config: Settings.
        vocabulary: Tokens of the prepared molecules.
        standardisation: How they were standardised and written as SELFIES.
        seed: The run's seed.

    Raises:
        ConfigError: If the settings ask for another architecture or other SELFIES constraints than the model has, or
            for an unconditional decoder that no step would train.
        DataError: If there is no such model.
    """
    _require_unconditional(config)
    torch.manual_seed(derive_seed(seed, "weights"))
    if config.init_from is None:
        vae = VAE(config.architecture(), len(vocabulary), len(config.property_head))
        return InitialState(vae, vocabulary, config, standardisation)
    base = load(config.init_from, "cpu")
    constraints, expected = standardisation.selfies_constraints, base.standardisation.selfies_constraints
    if constraints != expected:
        raise ConfigError(
            f"prepare.selfies_constraints: expected {expected!r}, as of the model of train.init_from, found "
            f"{constraints!r}; prepare the molecules again"
        )
    config = _with_architecture_of(base, config)
    vocabulary = base.vocabulary.extended(vocabulary)
    vae = VAE(config.architecture(), len(vocabulary), len(config.property_head))
    weights = _with_rows_for_new_tokens(base.vae, len(vocabulary))
    keeps_head = [scale.name for scale in base.scales] == list(config.property_head)
    if not keeps_head:
        if base.scales:
            names = ", ".join(scale.name for scale in base.scales)
            logger.info("the property head of %s, which predicts %s, is discarded", config.init_from, names)
        weights = {name: tensor for name, tensor in weights.items() if not name.startswith(HEAD)}
    vae.load_state_dict(vae.state_dict() | weights)
    return InitialState(vae, vocabulary, config, standardisation, base, base.scales if keeps_head else ())


def _require_unconditional(config: TrainConfig) -> None:
    """Refuse steps of too few molecules: with code dropout, the model claims to have an unconditional decoder."""
    new, replay = (1.0, "") if config.init_from is None else (1.0 - config.replay, f", replay {config.replay:g}")
    # As `Molecules.draw_batch` does it: of the new molecules only, and never all of a step.
    n = min(config.batch_size - 1, round(config.batch_size * config.code_dropout * new))
    if config.code_dropout > 0.0 and n == 0:
        raise ConfigError(
            "train: expected at least one molecule of a step to be decoded unconditionally, found none with batch_size "
            f"{config.batch_size}, code_dropout {config.code_dropout:g}{replay}; raise batch_size or code_dropout, or "
            "set code_dropout to 0"
        )


def _with_architecture_of(base: MolVAE, config: TrainConfig) -> TrainConfig:
    """Return the settings with the model's architecture, which they must not contradict; their dropout stays."""
    trained = base.vae.config.model_dump(exclude={"dropout"})
    for name, value in trained.items():
        setting = getattr(config, name)
        # The workflow writes out all defaults, so a default is not a request.
        if setting not in (value, ModelConfig.model_fields[name].default):
            raise ConfigError(
                f"train.{name}: expected {value}, as in the model of train.init_from, found {setting}; remove the "
                "setting"
            )
    return config.model_copy(update=trained)


def _with_rows_for_new_tokens(vae: VAE, n_tokens: int) -> dict[str, torch.Tensor]:
    """Return the weights of `vae` for a larger vocabulary.

    A new token starts as the mean of the known ones, so that its probability is unremarkable and those of the others
    hardly change.

    References:
        Hewitt, Initializing new word embeddings for pretrained language models, 2021.
    """
    weights = dict(vae.state_dict())
    for name in PER_TOKEN:
        known = weights[name]
        average = known[N_SPECIAL:].mean(0, keepdim=True)
        weights[name] = torch.cat([known, average.repeat_interleave(n_tokens - len(known), 0)])
    return weights
