import math

import torch
from torch import nn

from molvae.train.checkpoint import CHECKPOINT, Checkpoint


def test_a_state_comes_back_as_it_was(tmp_path):
    shared = torch.arange(6.0).reshape(2, 3)
    state = {
        "weights": {
            "a": shared,
            "b": shared,
            "transposed": shared.T,
            "empty": torch.zeros(0),
            "scalar": torch.tensor(3),
        },
        "groups": [{"betas": (0.9, 0.95), "lr": 1e-3, "fused": True, "none": None}],
        "by_number": {0: {"step": torch.tensor(2.0)}, 1: {}},
        "best": math.inf,
        "history": [{"loss": 1.25, "value": math.nan}],
    }
    Checkpoint(tmp_path, "x").save(state)
    loaded = Checkpoint(tmp_path, "x").load()
    assert loaded.keys() == state.keys()
    for name, tensor in state["weights"].items():
        assert torch.equal(loaded["weights"][name], tensor)
    assert loaded["groups"] == state["groups"]
    assert loaded["by_number"].keys() == {0, 1}
    assert loaded["best"] == math.inf
    assert math.isnan(loaded["history"][0]["value"])
    assert Checkpoint(tmp_path, "y").load() is None


def test_the_state_of_an_optimizer_comes_back(tmp_path):
    layer = nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(layer.parameters())
    layer(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    Checkpoint(tmp_path, "x").save({"optimizer": optimizer.state_dict()})
    again = torch.optim.AdamW(layer.parameters())
    again.load_state_dict(Checkpoint(tmp_path, "x").load()["optimizer"])
    assert again.state_dict()["param_groups"] == optimizer.state_dict()["param_groups"]
    for number, state in optimizer.state_dict()["state"].items():
        for name, value in state.items():
            assert torch.equal(again.state_dict()["state"][number][name], value)


def test_a_pickle_in_its_place_is_not_run(tmp_path):
    (tmp_path / CHECKPOINT).write_bytes(b"\x80\x04cos\nsystem\n(S'touch pwned'\ntR.")
    assert Checkpoint(tmp_path, "x").load() is None
    assert [path.name for path in tmp_path.iterdir()] == [CHECKPOINT]
