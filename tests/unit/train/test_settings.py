"""No setting of the training is without effect."""

import numpy as np
import pytest
import torch

from molvae.config import TrainConfig
from molvae.nn.property_head import PropertyScale
from molvae.nn.vae import VAE
from molvae.train.checkpoint import Checkpoint
from molvae.train.loop import fit
from molvae.train.molecules import Molecules

OTHER = {
    "cell": "lstm",
    "bidirectional": False,
    "embedding_dim": 12,
    "encoder_hidden": 20,
    "encoder_layers": 2,
    "decoder_hidden": 40,
    "decoder_layers": 2,
    "latent_dim": 6,
    "dropout": 0.2,
    "activation": "gelu",
    "kl_weight": 0.5,
    "kl_schedule": "cyclical",
    "kl_warmup": 0.9,
    "free_bits": 0.5,
    "z_l2": 0.1,
    "code_dropout": 0.5,
    "property_head": {"logp": 3.0},
    "randomised_input": 0.9,
    "word_dropout": 0.3,
    "epochs": 3,
    "batch_size": 16,
    "learning_rate": 1.0e-3,
    "learning_rate_end": 0.9,
    "warmup_steps": 0,
    "weight_decay": 0.5,
    "gradient_clip": 0.01,
    "precision": "bfloat16",
}
# Tested where they belong: the first three in test_start.py, patience and the checkpoints in test_loop.py, the priors
# in tests/unit/priors and test_stage.py.
ELSEWHERE = {
    *("init_from", "replay", "start_weight", "patience", "max_minutes", "checkpoint_every_s"),
    *(
        "priors",
        "prior_components",
        "flow_width",
        "flow_steps",
        "prior_samples",
        "min_probabilities",
        "rejected_fractions",
        "corrections",
        "discriminator_samples",
    ),
}


@pytest.fixture(scope="module")
def learned(small_train_config, vocabulary, store, tmp_path_factory):
    """Return a function that trains with some settings for two epochs and returns what was learned."""
    base = small_train_config.model_copy(update={"epochs": 2})
    logp = np.linspace(-1.0, 1.0, len(store), dtype=np.float32)[:, None]

    def learn(**settings):
        config = TrainConfig.model_validate(base.model_dump() | settings)
        scales = tuple(PropertyScale(name, "", 0.0, 1.0) for name in config.property_head)
        # The randomised SMILES are those of other molecules: another encoder input is all that matters here.
        randomised = store.subset(np.repeat(np.arange(len(store))[::-1], 4)) if config.randomised_input else None
        everything = Molecules(store, randomised, logp if scales else None, scales)
        validation = Molecules(store.subset(np.arange(40)), None, logp[:40] if scales else None, scales)
        torch.manual_seed(3)
        vae = VAE(config.architecture(), len(vocabulary), len(scales))
        fit(vae, everything, validation, config, 1, Checkpoint(tmp_path_factory.mktemp("learned"), "a"))
        return vae.state_dict()

    return learn


@pytest.fixture(scope="module")
def usual(learned):
    return learned()


def test_every_setting_is_looked_at():
    assert set(OTHER) | ELSEWHERE == set(TrainConfig.model_fields)


@pytest.mark.parametrize("name", OTHER)
def test_another_setting_learns_something_else(learned, usual, name):
    weights = learned(**{name: OTHER[name]})
    same_shapes = {key: tensor.shape for key, tensor in weights.items()} == {
        key: tensor.shape for key, tensor in usual.items()
    }
    assert not same_shapes or any(not torch.equal(weights[key], usual[key]) for key in usual)
    assert all(torch.isfinite(tensor).all() for tensor in weights.values())
