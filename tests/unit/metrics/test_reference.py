import numpy as np
import pytest

from molvae.errors import DataError
from molvae.metrics import reference
from molvae.metrics.reference import moment_arrays, reference_statistics


def test_of_fewer_than_two_molecules_there_are_no_moments():
    assert moment_arrays(iter([np.ones((1, 3), np.float32)])) == {"n": np.array(0)}


def test_a_worker_that_dies_leaves_no_part_of_the_statistics_in_the_cache(tmp_path, monkeypatch, smiles):
    """They would be taken for those of all molecules ever after."""
    monkeypatch.setenv("MOLVAE_CACHE", str(tmp_path / "cache"))
    in_chunks = reference.in_chunks

    def dying(*arguments):
        yield next(iter(in_chunks(*arguments)))
        raise DataError("a worker has died")

    with monkeypatch.context() as patch:
        patch.setattr(reference, "in_chunks", dying)
        with pytest.raises(DataError, match="a worker has died"):
            reference_statistics(smiles[:30], 1)
    statistics = reference_statistics(smiles[:30], 1)
    assert len(statistics) == 30
    assert statistics.moments.n == 30
