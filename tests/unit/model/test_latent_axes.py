import numpy as np
import pandas as pd
import pytest

from molvae.model.latent_axes import LatentAxes
from molvae.tables import LATENT_MAP


@pytest.fixture
def molecules(smiles):
    """Return a table of molecules without their places."""
    return pd.DataFrame({"id": "m", "smiles": smiles[:20], "split": "train"})


def test_molecules_are_placed_along_the_directions_of_the_largest_variance(model, smiles, molecules):
    axes = LatentAxes.fit(model, smiles)
    placed = LatentAxes.fit(model, smiles[:20]).place(molecules)
    codes = model.encode(smiles[:20]).astype(np.float64)
    largest = np.linalg.eigvalsh(np.cov(codes.T))[::-1][:2]
    assert placed[["x", "y"]].var().tolist() == pytest.approx(largest.tolist(), rel=1e-3)
    assert placed[["x", "y"]].mean().tolist() == pytest.approx([0.0, 0.0], abs=1e-3)
    assert axes.n == len(smiles)
    assert 1.0 > axes.explained[0] >= axes.explained[1] > 0.0


def test_all_stages_of_a_run_have_the_same_axes(model, smiles, molecules):
    first, second = (LatentAxes.fit(model, smiles).place(molecules) for _ in range(2))
    pd.testing.assert_frame_equal(first, second)
    assert set(LATENT_MAP.required) <= set(first)


def test_what_the_model_cannot_read_is_left_out(model, smiles, molecules):
    molecules.loc[3, "smiles"] = "[Og]"
    placed = LatentAxes.fit(model, [*smiles, "[Og]"]).place(molecules)
    assert len(placed) == 19
    assert "[Og]" not in set(placed["smiles"])


@pytest.mark.parametrize("n", [0, 1])
def test_without_molecules_to_fit_to_the_axes_are_those_of_the_space(n, model, smiles, molecules):
    axes = LatentAxes.fit(model, smiles[:n])
    assert np.isnan(axes.explained).all()
    assert np.isfinite(axes.place(molecules)[["x", "y"]].to_numpy()).all()
    assert len(axes.place(molecules.head(0))) == 0
