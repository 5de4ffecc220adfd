"""Where a training starts: from chance, or from a trained model."""

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

# The first tokens of every vocabulary stand for no part of a molecule.
N_SPECIAL = 3
# Whose rows belong to tokens.
PER_TOKEN = ("embedding.weight", "decoder.embedding.weight", "decoder.output.weight", "decoder.output.bias")


@dataclass(frozen=True)
class InitialState:
    """What is decided before the first step.

    Attributes:
        vae: The networks, on the CPU.
        vocabulary: Their tokens.
        config: The settings, with the architecture of the networks.
        standardisation: How the molecules are standardised and spelt.
        base: The model that is trained further, if there is one.
        scales: The properties of its head, if they are those to predict.
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
    """Make networks with chance weights, or with those of the model in `init_from`.

    Args:
        config: Settings.
        vocabulary: Tokens of the prepared molecules.
        standardisation: How they were standardised and spelt.
        seed: The run's seed.

    Raises:
        ConfigError: If the settings ask for another architecture, or the molecules are spelt by other rules.
        DataError: If there is no such model.
    """
    torch.manual_seed(derive_seed(seed, "weights"))
    if config.init_from is None:
        vae = VAE(_architecture(config), len(vocabulary), len(config.property_head))
        return InitialState(vae, vocabulary, config, standardisation)
    base = load(config.init_from, "cpu")
    asked, trained = standardisation.selfies_constraints, base.standardisation.selfies_constraints
    if asked != trained:
        raise ConfigError(
            f"prepare.selfies_constraints: expected {trained!r}, by which the model of train.init_from spells, found "
            f"{asked!r}; prepare the molecules anew"
        )
    config = _with_architecture_of(base, config)
    vocabulary = base.vocabulary.extended(vocabulary)
    vae = VAE(_architecture(config), len(vocabulary), len(config.property_head))
    weights = _with_rows_for_new_tokens(base.vae, len(vocabulary))
    keeps_head = [scale.name for scale in base.scales] == list(config.property_head)
    if not keeps_head:
        if base.scales:
            names = ", ".join(scale.name for scale in base.scales)
            logger.info("the head of %s, which predicts %s, is left behind", config.init_from, names)
        weights = {name: each for name, each in weights.items() if not name.startswith("property_head.")}
    vae.load_state_dict(vae.state_dict() | weights)
    return InitialState(vae, vocabulary, config, standardisation, base, base.scales if keeps_head else ())


def _architecture(config: TrainConfig) -> ModelConfig:
    return ModelConfig.model_validate(config.model_dump(include=set(ModelConfig.model_fields)))


def _with_architecture_of(base: MolVAE, config: TrainConfig) -> TrainConfig:
    """Return the settings with the model's architecture, which they must not contradict; dropout is theirs."""
    trained = base.vae.config.model_dump(exclude={"dropout"})
    for name, value in trained.items():
        asked = getattr(config, name)
        # Settings that come through the workflow have all defaults written out, so a default asks for nothing.
        if asked not in (value, ModelConfig.model_fields[name].default):
            raise ConfigError(
                f"train.{name}: expected {value}, as in the model of train.init_from, found {asked}; remove the setting"
            )
    return config.model_copy(update=trained)


def _with_rows_for_new_tokens(vae: VAE, n_tokens: int) -> dict[str, torch.Tensor]:
    """Return the weights of `vae` for a larger vocabulary.

    A new token starts as the mean of the known ones, so that it is neither likely nor strange, and the probabilities of
    the others hardly change.

    References:
        Hewitt, Initializing new word embeddings for pretrained language models, 2021.
    """
    weights = dict(vae.state_dict())
    for name in PER_TOKEN:
        known = weights[name]
        average = known[N_SPECIAL:].mean(0, keepdim=True)
        weights[name] = torch.cat([known, average.repeat_interleave(n_tokens - len(known), 0)])
    return weights
