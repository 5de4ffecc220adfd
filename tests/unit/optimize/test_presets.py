"""The presets of lead optimisation and of scaffold-constrained design, run small."""

from pathlib import Path

import pytest

from molvae.chem.core import read_core
from molvae.chem.molecules import parse
from molvae.config import load_config
from molvae.files import read_table
from molvae.optimize.objective import load_objective
from molvae.optimize.stage import known_molecules, optimize

ROOT = Path(__file__).parents[3]


@pytest.fixture(params=["lead", "core"])
def preset(request, monkeypatch):
    monkeypatch.chdir(ROOT)
    return load_config(Path("workflow/config") / f"{request.param}.yaml", ["optimize.budget=60", "optimize.n_start=20"])


@pytest.mark.timeout(180)
def test_a_preset_finds_candidates_that_satisfy_its_constraints(preset, model, prepared, tmp_path):
    [file] = preset.optimize.objectives
    objective = load_objective(file)
    optimize(model, objective, known_molecules(prepared), tmp_path, preset.optimize, seed=1)
    candidates = read_table(tmp_path / "candidates.csv")
    assert len(candidates) > 5
    if objective.lead is not None:
        assert candidates["constraint.similarity_to_lead"].min() >= 0.4
        assert (candidates["change.logp"] < 0.0).any()
    if objective.spec.core is not None:
        core = read_core(objective.spec.core)
        assert all(core.is_in(parse(smiles)) for smiles in candidates["smiles"])
