"""A measured column that can be learned: logP with a little noise."""

import numpy as np
import pytest

from molvae.chem.descriptors import compute_properties
from molvae.learned import Measurements, fit


@pytest.fixture(scope="session")
def measurements(smiles):
    noise = np.random.default_rng(0).normal(0.0, 0.2, 120)
    values = compute_properties(smiles[:120], ["logp"])["logp"].to_numpy() + noise
    return Measurements("logP", smiles[:120], values, np.ones(120, dtype=np.int64))


@pytest.fixture(scope="session")
def learned(measurements):
    return fit(measurements, seed=1)
