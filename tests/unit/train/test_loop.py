import errno
import io
import math
import pickle

import numpy as np
import pytest
import torch

from molvae.errors import DataError, MolvaeError
from molvae.files import room_for
from molvae.nn.vae import VAE
from molvae.train.checkpoint import Checkpoint
from molvae.train.loop import fit, validate
from molvae.train.molecules import Molecules


class KilledError(Exception):
    """In place of a kill -9."""


class KilledAfter(Checkpoint):
    """A checkpoint whose process dies right after the n-th save."""

    def __init__(self, folder, identity, n):
        super().__init__(folder, identity)
        self.left = n

    def save(self, state):
        super().save(state)
        self.left -= 1
        if self.left == 0:
            raise KilledError


@pytest.fixture
def new_vae(small_train_config, vocabulary):
    def make():
        torch.manual_seed(3)
        return VAE(small_train_config.architecture(), len(vocabulary))

    return make


@pytest.fixture
def splits(store):
    return Molecules(store.subset(np.arange(220))), Molecules(store.subset(np.arange(220, 300)))


def weights_of(vae):
    return {name: weight.clone() for name, weight in vae.state_dict().items()}


def assert_equal(weights, others):
    assert weights.keys() == others.keys()
    for name, weight in weights.items():
        assert torch.equal(weight, others[name]), name


def without_time(history):
    return [{key: value for key, value in row.items() if key != "seconds"} for row in history]


def test_the_loss_falls_and_the_best_weights_are_kept(new_vae, splits, small_train_config, tmp_path):
    vae = new_vae()
    before = validate(vae, splits[1], small_train_config)["validation_loss"]
    history = fit(vae, *splits, small_train_config, 1, Checkpoint(tmp_path, "a"))
    best = min(row["validation_loss"] for row in history)
    assert best < 0.8 * before
    assert validate(vae, splits[1], small_train_config)["validation_loss"] == pytest.approx(best)
    assert [row["epoch"] for row in history] == list(range(1, len(history) + 1))
    assert all(math.isfinite(value) for row in history for value in row.values())


class OnADiskThatIsFull(Checkpoint):
    """A checkpoint that finds no room after the first two saves."""

    n_saves = 0

    def save(self, state):
        self.n_saves += 1
        if self.n_saves > 2:
            with room_for(self._file):
                raise OSError(errno.ENOSPC, "No space left on device")
        super().save(state)


def test_a_full_disk_at_a_checkpoint_is_a_warning_and_the_one_before_it_stays(
    new_vae, splits, small_train_config, steps, tmp_path, caplog
):
    vae, resumed, undisturbed = new_vae(), new_vae(), new_vae()
    checkpoint = OnADiskThatIsFull(tmp_path / "full", "a")
    history = fit(vae, *splits, small_train_config, 1, checkpoint)
    assert checkpoint.n_saves == len(history) > 2
    assert "expected room on the disk to write it, found none" in caplog.text
    assert "training goes on, and resumes from an earlier checkpoint if it is interrupted" in caplog.text
    assert checkpoint.load()["train_state"]["epoch"] == 2
    whole = steps.copy()
    steps.clear()
    fit(resumed, *splits, small_train_config, 1, Checkpoint(tmp_path / "full", "a"))
    assert steps == whole[history[1]["step"] :]
    fit(undisturbed, *splits, small_train_config, 1, Checkpoint(tmp_path / "other", "a"))
    assert_equal(weights_of(vae), weights_of(undisturbed))
    assert_equal(weights_of(resumed), weights_of(undisturbed))


def test_a_checkpoint_that_cannot_be_written_otherwise_ends_the_training(new_vae, splits, small_train_config, tmp_path):
    (tmp_path / "checkpoint.bin").mkdir()
    with pytest.raises(DataError, match="expected a file or nothing, found a folder"):
        fit(new_vae(), *splits, small_train_config, 1, Checkpoint(tmp_path, "a"))


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(new_vae, splits, small_train_config, tmp_path):
    trained = []
    for number, seed in enumerate((1, 1, 2)):
        vae = new_vae()
        fit(vae, *splits, small_train_config, seed, Checkpoint(tmp_path / str(number), "a"))
        trained.append(weights_of(vae))
    assert_equal(trained[0], trained[1])
    assert any(not torch.equal(weight, trained[2][name]) for name, weight in trained[0].items())


@pytest.mark.parametrize("saves", [1, 5, 9])
def test_a_killed_training_goes_on_to_the_same_weights(new_vae, splits, small_train_config, steps, tmp_path, saves):
    # A checkpoint at every step, so that the kill comes in the middle of an epoch.
    config = small_train_config.model_copy(update={"checkpoint_every_s": 1e-9, "epochs": 2, "dropout": 0.2})
    uninterrupted = new_vae()
    expected = fit(uninterrupted, *splits, config, 1, Checkpoint(tmp_path / "whole", "a"))
    whole = steps.copy()
    steps.clear()
    with pytest.raises(KilledError):
        fit(new_vae(), *splits, config, 1, KilledAfter(tmp_path / "killed", "a", saves))
    resumed = new_vae()
    history = fit(resumed, *splits, config, 1, Checkpoint(tmp_path / "killed", "a"))
    assert_equal(weights_of(uninterrupted), weights_of(resumed))
    assert without_time(history) == without_time(expected)
    # None is taken twice.
    assert steps == whole


def test_a_checkpoint_of_another_training_is_not_continued(new_vae, splits, small_train_config, tmp_path):
    config = small_train_config.model_copy(update={"epochs": 1})
    fit(new_vae(), *splits, config, 1, Checkpoint(tmp_path, "a"))
    assert Checkpoint(tmp_path, "a").load() is not None
    assert Checkpoint(tmp_path, "b").load() is None


def damaged_checkpoints(whole):
    """Yield ways in which a checkpoint may be damaged, and the bytes that it has then."""
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    yield from {"empty": b"", "half": whole[: len(whole) // 2], "flipped": bytes(flipped), "text": b"{}"}.items()
    for other in [{"a": 1}, [1], {"identity": "a"}]:
        torch.save(other, buffer := io.BytesIO())
        yield str(other), buffer.getvalue()
    yield "pickle", pickle.dumps({"identity": "a"})


def test_a_damaged_checkpoint_is_told_and_begun_anew(new_vae, splits, small_train_config, tmp_path, caplog):
    config = small_train_config.model_copy(update={"epochs": 1})
    expected = new_vae()
    fit(expected, *splits, config, 1, Checkpoint(tmp_path, "a"))
    file = tmp_path / "checkpoint.bin"
    for damage, content in damaged_checkpoints(file.read_bytes()):
        file.write_bytes(content)
        caplog.clear()
        assert Checkpoint(tmp_path, "a").load() is None, damage
        assert "expected a checkpoint, found a damaged file; starting over" in caplog.text
    vae = new_vae()
    fit(vae, *splits, config, 1, Checkpoint(tmp_path, "a"))
    assert_equal(weights_of(vae), weights_of(expected))
    assert Checkpoint(tmp_path, "a").load() is not None


def test_training_stops_early_when_nothing_gets_better(new_vae, splits, small_train_config, tmp_path):
    config = small_train_config.model_copy(update={"epochs": 20, "patience": 2, "learning_rate": 1e-12})
    vae = new_vae()
    history = fit(vae, *splits, config, 1, Checkpoint(tmp_path, "a"))
    assert len(history) < 20


def test_a_loss_that_is_not_finite_is_an_error_that_says_what_to_do(new_vae, splits, small_train_config, tmp_path):
    vae = new_vae()
    with torch.no_grad():
        vae.embedding.weight.fill_(math.nan)
    with pytest.raises(MolvaeError, match=r"train\.learning_rate"):
        fit(vae, *splits, small_train_config, 1, Checkpoint(tmp_path, "a"))


def test_no_epoch_is_begun_that_would_end_too_late(new_vae, splits, small_train_config, tmp_path, caplog):
    config = small_train_config.model_copy(update={"max_minutes": 1e-6})
    history = fit(new_vae(), *splits, config, 1, Checkpoint(tmp_path / "a", "x"))
    assert [row["epoch"] for row in history] == [1]
    assert "no time for another epoch within train.max_minutes 1e-06: stopped after 1 of 4" in caplog.text
    ample = small_train_config.model_copy(update={"max_minutes": 100.0, "epochs": 2})
    assert len(fit(new_vae(), *splits, ample, 1, Checkpoint(tmp_path / "b", "x"))) == 2
