"""What all tests share: one thread each, repeatable hypothesis, honest skips, a small model and small data."""

import gzip
import os
from pathlib import Path

# Before anything loads torch: pytest-xdist has a worker on each core already.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import pytest
from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--only-number", type=int, help="run only the test of this number, counted on from the first after the last"
    )


SLOW_TIMEOUT_S = 900
"""Limit of a test that runs whole workflows: a run of a minute may take several on a slow or a busy machine."""


# After the marker expression has chosen.
@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if (number := config.getoption("--only-number")) is not None and items:
        chosen = items[number % len(items)]
        config.hook.pytest_deselected(items=[item for item in items if item is not chosen])
        items[:] = [chosen]
    for item in items:
        is_slow = item.get_closest_marker("slow") or item.get_closest_marker("nightly")
        if is_slow and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(SLOW_TIMEOUT_S))
    if any(item.get_closest_marker("gpu") for item in items):
        import torch

        if not torch.cuda.is_available():
            for item in items:
                if item.get_closest_marker("gpu"):
                    item.add_marker(pytest.mark.skip(reason="needs a CUDA device, found none"))
    if "PYTEST_XDIST_WORKER" in os.environ:
        # The longest first, so that no worker is left with them at the end.
        items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.fixture(scope="session", autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep statistics of reference molecules from one test to the next, and none beyond the tests."""
    os.environ["MOLVAE_CACHE"] = str(tmp_path_factory.mktemp("cache"))


DEMO = Path(__file__).parents[1] / "data" / "demo.smi.gz"


@pytest.fixture(scope="session")
def smiles() -> list[str]:
    """Return 300 drug-like molecules, canonical."""
    with gzip.open(DEMO, "rt") as lines:
        return [next(lines).split()[0] for _ in range(300)]


@pytest.fixture(scope="session")
def small_train_config():
    from molvae.config import TrainConfig

    return TrainConfig(
        embedding_dim=16,
        encoder_hidden=24,
        decoder_hidden=48,
        latent_dim=8,
        batch_size=32,
        epochs=4,
        warmup_steps=5,
        learning_rate=5.0e-3,
        prior_samples=40,
        prior_components=2,
        flow_width=32,
        flow_steps=20,
        min_probabilities=[0.0],
        rejected_fractions=[0.0],
        precision="float32",
    )


@pytest.fixture
def steps(monkeypatch) -> list[float]:
    """Return a list to which each step of a training adds its learning rate."""
    from molvae.train.shards import ShardedStep

    taken: list[float] = []
    update = ShardedStep.update
    monkeypatch.setattr(ShardedStep, "update", lambda self, rate: taken.append(rate) or update(self, rate))
    return taken


@pytest.fixture(scope="session")
def vocabulary(smiles):
    from molvae.chem.selfies_codec import smiles_to_selfies
    from molvae.vocabulary import Vocabulary

    return Vocabulary.from_selfies(map(smiles_to_selfies, smiles))


@pytest.fixture(scope="session")
def store(smiles, vocabulary):
    from molvae.chem.selfies_codec import smiles_to_selfies
    from molvae.nn.tokens import TokenStore

    return TokenStore.from_strings([smiles_to_selfies(molecule) for molecule in smiles], vocabulary)


@pytest.fixture(scope="session")
def model(small_train_config, vocabulary, store):
    """Return a barely trained model with all its priors: fit for every test that does not ask for quality."""
    import numpy as np
    import torch

    from molvae.config import StandardiseConfig
    from molvae.model.model import MolVAE
    from molvae.model.records import Generation, PriorTrial, TrainingRecord
    from molvae.nn.batch import Batch
    from molvae.nn.vae import VAE, LossWeights
    from molvae.priors import PRIORS
    from molvae.sampling import SamplingParams

    torch.manual_seed(0)
    architecture = small_train_config.architecture()
    vae = VAE(architecture, len(vocabulary))
    optimizer = torch.optim.Adam(vae.parameters(), lr=1e-2)
    token_ids, lengths = store.batch(np.arange(len(store)))
    for _ in range(15):
        optimizer.zero_grad()
        batch = Batch.draw(token_ids, lengths, architecture.latent_dim, code_dropout=0.25)
        vae.loss(batch, LossWeights(0.05)).total.backward()
        optimizer.step()
    codes = torch.randn(200, architecture.latent_dim)
    priors = {name: PRIORS[name].fit(codes, small_train_config, 0) for name in PRIORS}
    record = TrainingRecord(
        n_molecules=len(store),
        n_parameters=sum(parameter.numel() for parameter in vae.parameters()),
        epochs=15,
        best_epoch=15,
        init_from=None,
        seed=0,
        n_threads=1,
        n_processes=1,
        kl_weight=0.05,
        code_dropout=0.25,
        trials=tuple(PriorTrial(name, SamplingParams(max_length=60), 0.0, 1.0, 0) for name in PRIORS),
    )
    return MolVAE(vae, vocabulary, priors, Generation("decoder", 60), StandardiseConfig(), record)


@pytest.fixture(scope="session")
def prepared(tmp_path_factory, smiles):
    """Return a prepared folder of 300 molecules."""
    from molvae.config import PrepareConfig
    from molvae.prepare import prepare

    folder = tmp_path_factory.mktemp("prepared")
    source = folder / "molecules.smi"
    source.write_text("".join(f"{molecule} m{number}\n" for number, molecule in enumerate(smiles)))
    config = PrepareConfig(validation_fraction=0.2, test_fraction=0.2)
    prepare([source], folder / "prepare", config, seed=1, test_input=None, n_jobs=1)
    return folder / "prepare"
