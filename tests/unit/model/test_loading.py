"""What a model's folder from elsewhere may be: damaged, of other sizes than it says, or no model at all."""

import json
import random
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

import molvae
from molvae.errors import MolvaeError
from molvae.model.model import HASHED_FILES


@pytest.fixture(scope="module")
def saved(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "model"
    model.save(path)
    return path


@pytest.fixture
def folder(saved, tmp_path):
    return shutil.copytree(saved, tmp_path / "model")


@pytest.fixture
def unhashed(folder):
    change(folder / "config.json", lambda config: config.pop("sha256"))
    return folder


def change(file, how):
    content = json.loads(file.read_text())
    how(content)
    file.write_text(json.dumps(content))


def refused(folder):
    with pytest.raises(MolvaeError) as caught:
        molvae.load(folder, "cpu")
    return str(caught.value)


@pytest.mark.parametrize("name", HASHED_FILES)
def test_a_flipped_bit_is_noticed_wherever_it_is(folder, name):
    file = folder / name
    whole, rng = file.read_bytes(), random.Random(name)
    for _ in range(20):
        damaged = bytearray(whole)
        damaged[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
        file.write_bytes(damaged)
        assert "by its SHA-256 in config.json" in refused(folder)
    file.write_bytes(whole)
    molvae.load(folder, "cpu")


def test_a_model_without_checksums_still_loads(unhashed, model, smiles):
    assert (molvae.load(unhashed, "cpu").encode(smiles[:3]) == model.encode(smiles[:3])).all()


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["vae.embedding.weight", "priors.gaussian_mixture.means"])
def test_weights_that_are_not_numbers_are_refused(unhashed, name, bad):
    weights = load_file(unhashed / "model.safetensors")
    weights[name].view(-1)[3] = bad
    save_file(weights, unhashed / "model.safetensors")
    assert f"{name}: expected finite weights" in refused(unhashed)


@pytest.mark.parametrize("dtype", [torch.int8, torch.float64, torch.bool])
def test_weights_of_another_type_are_refused(unhashed, dtype):
    weights = load_file(unhashed / "model.safetensors")
    weights["vae.embedding.weight"] = weights["vae.embedding.weight"].to(dtype)
    save_file(weights, unhashed / "model.safetensors")
    assert "vae.embedding.weight: expected float32 or float16" in refused(unhashed)


@pytest.mark.parametrize(
    ("prior", "tensors"),
    [
        ("gaussian_mixture", {"means": torch.zeros(3, 7)}),
        ("gaussian_mixture", {"factors": torch.zeros(2, 8, 7)}),
        ("normal", {"latent_dim": torch.tensor(9)}),
        ("flow", {"mean": torch.zeros(7)}),
        ("decoder", {"latent_dim": torch.tensor(10**12)}),
    ],
)
def test_a_prior_of_other_codes_is_refused(unhashed, prior, tensors):
    weights = load_file(unhashed / "model.safetensors")
    weights |= {f"priors.{prior}.{name}": tensor for name, tensor in tensors.items()}
    save_file(weights, unhashed / "model.safetensors")
    assert "expected a whole model, found parts that do not fit" in refused(unhashed)


HUGE = {
    "encoder_layers": 10**7,
    "decoder_layers": 10**7,
    "latent_dim": 10**9,
    "embedding_dim": 10**9,
    "encoder_hidden": 10**19,
    "decoder_hidden": 200_000,
}


@pytest.mark.parametrize("name", HUGE)
@pytest.mark.timeout(30)
def test_sizes_are_compared_with_the_weights_before_memory_is_taken(unhashed, monkeypatch, name):
    def allocated(*args, **options):
        raise AssertionError("the networks were made")

    change(unhashed / "config.json", lambda config: config["model"].update({name: HUGE[name]}))
    monkeypatch.setattr("molvae.model.loading.VAE.load_state_dict", allocated)
    assert "parts that do not fit" in refused(unhashed)


def test_the_sizes_of_the_flow_are_compared_with_its_weights_before_memory_is_taken(unhashed, monkeypatch):
    """A first layer of 640 kB says of the others that they have 25 GB."""

    def fill(layer):
        assert layer.weight.is_meta or layer.weight.numel() < 1_000_000, "the network was made"

    weights = load_file(unhashed / "model.safetensors")
    weights["priors.flow.velocity.input_layer.weight"] = torch.zeros(20_000, 8)
    save_file(weights, unhashed / "model.safetensors")
    monkeypatch.setattr(torch.nn.Linear, "reset_parameters", fill)
    assert "parts that do not fit" in refused(unhashed)


@pytest.mark.parametrize(
    ("section", "value"),
    [
        ("generation", {"prior": "decoder", "max_length": 10**9}),
        ("generation", {"prior": "decoder", "max_length": -1}),
        ("generation", {"prior": "decoder", "max_length": "many"}),
        ("generation", [1, 2]),
        ("training", {}),
        ("training", [1, 2]),
        ("priors", 5),
        ("priors", ["flaw"]),
        ("priors", [["decoder"]]),
        ("properties", [{"name": "logp"}]),
        ("standardisation", {"stereo": "sideways"}),
        ("model", None),
        ("format", "3"),
        ("format", [3]),
    ],
)
def test_a_config_of_other_values_is_refused_in_one_line(unhashed, section, value):
    change(unhashed / "config.json", lambda config: config.update({section: value}))
    assert "\n" not in refused(unhashed)


@pytest.mark.parametrize(
    "content", ["{}", "[]", '{"tokens": 5}', '{"tokens": [["[C]"]]}', '{"tokens": ["[C]"]}', "[" * 100_000, "9" * 6000]
)
def test_a_vocabulary_that_is_none_is_refused(unhashed, content):
    (unhashed / "vocabulary.json").write_text(content)
    refused(unhashed)


@pytest.mark.parametrize("name", ["config.json", "vocabulary.json"])
@pytest.mark.timeout(10)
def test_a_device_in_place_of_a_file_is_refused_instead_of_read(unhashed, name):
    (unhashed / name).unlink()
    (unhashed / name).symlink_to("/dev/zero")
    assert "found a folder, a device or a pipe" in refused(unhashed)
