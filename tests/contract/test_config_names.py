"""Names that a setting accepts are the registered ones: config.py lists them, since it may not import torch."""

from typing import get_args

import pytest

from molvae.config import ModelConfig, PriorName, SampleConfig, TrainConfig
from molvae.nn.cells import ACTIVATIONS, CELLS
from molvae.nn.schedules import KL_SCHEDULES
from molvae.priors import PRIORS


@pytest.mark.parametrize(
    ("names", "registry"),
    [
        (get_args(PriorName), PRIORS),
        (get_args(ModelConfig.model_fields["cell"].annotation), CELLS),
        (get_args(ModelConfig.model_fields["activation"].annotation), ACTIVATIONS),
        (get_args(TrainConfig.model_fields["kl_schedule"].annotation), KL_SCHEDULES),
    ],
    ids=["priors", "cells", "activations", "KL schedules"],
)
def test_a_setting_accepts_exactly_the_registered_names(names, registry):
    assert set(names) == set(registry)


def test_every_prior_can_be_sampled_from():
    assert {SampleConfig(prior=name).prior for name in ("best", *PRIORS)} == {"best", *PRIORS}
