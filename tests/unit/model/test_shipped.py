import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import molvae
from molvae.errors import DataError
from molvae.model import shipped


@pytest.fixture
def home(model, tmp_path, monkeypatch):
    """A place with two models, in half precision as they are shipped."""
    for name in ("moses", "zinc250k"):
        model.save(tmp_path / "home" / name, half=True)
    (tmp_path / "home" / "notes").mkdir()
    monkeypatch.setattr(shipped, "HOMES", (tmp_path / "nowhere", tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


def test_a_model_is_loaded_by_its_name(home, model, smiles):
    loaded = molvae.load("moses", "cpu")
    assert {weight.dtype for weight in loaded.vae.state_dict().values()} == {torch.float32}
    np.testing.assert_allclose(loaded.encode(smiles[:20]), model.encode(smiles[:20]), atol=0.02)
    for prior in model.priors:
        assert len(loaded.sample(5, seed=1, prior=prior)) == 5


def test_half_precision_halves_the_file(home, model, tmp_path):
    model.save(tmp_path / "full")
    sizes = [(folder / "model.safetensors").stat().st_size for folder in (tmp_path / "full", home / "moses")]
    assert sizes[1] < 0.6 * sizes[0]
    stored = load_file(home / "moses" / "model.safetensors")
    assert {each.dtype for each in stored.values() if each.is_floating_point()} == {torch.float16}


def test_a_folder_with_a_model_comes_before_the_name_and_one_without_after(home, tmp_path):
    (tmp_path / "moses").mkdir()
    assert shipped.model_folder("moses") == home / "moses"
    shutil.copy(home / "moses" / "config.json", tmp_path / "moses")
    assert shipped.model_folder("moses").resolve() == tmp_path / "moses"


def test_a_misspelt_name_is_told_the_nearest(home):
    with pytest.raises(DataError, match=r"mosse: .* \(moses, zinc250k\), found neither; did you mean moses\?"):
        molvae.load("mosse")


def test_a_folder_without_a_model_is_named(home, tmp_path):
    with pytest.raises(DataError, match=r"home: expected a folder that `molvae train` wrote, found no config\.json"):
        molvae.load(home)
