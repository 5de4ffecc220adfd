import numpy as np
import pytest
from fcd import get_predictions, load_ref_model

from molvae.chem.chemnet import ChemNet


@pytest.mark.parametrize("n_carbons", [1, 4, 5, 6, 7, 8, 40, 171, 172, 348, 349])
def test_the_padding_that_is_not_computed_changes_nothing(n_carbons):
    # The longest of a batch decides how much of the padding is left out.
    smiles = ["c1ccncc1", "C" * n_carbons]
    expected = get_predictions(load_ref_model(), smiles, n_jobs=0, device="cpu")
    np.testing.assert_allclose(ChemNet("cpu").activations(smiles), expected, atol=1e-6)


def test_activations_do_not_depend_on_how_long_the_other_molecules_are(smiles):
    network = ChemNet("cpu")
    together = network.activations([*smiles[:20], "C" * 160])[:20]
    np.testing.assert_allclose(together, network.activations(smiles[:20]), atol=1e-6)
