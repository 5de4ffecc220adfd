"""scikit-learn's own checks of an estimator, as far as they apply to one that takes strings.

`check_estimator` leaves an estimator alone whose input is not a matrix, but for a few checks that give it no data. Most
others are about more than what the input looks like. They are run too, on an estimator for which each row of the matrix
that a check gives stands for a molecule.
"""

import hashlib
import warnings
from functools import partial

import numpy as np
import pytest
from sklearn.exceptions import SkipTestWarning
from sklearn.utils import estimator_checks

from molvae.model.features import LatentFeatures

SMILES = ["CCO", "c1ccccc1O", "CC(=O)Nc1ccc(O)cc1", "CCN", "CC(C)Cc1ccc(cc1)C(C)C(=O)O", "CN1CCC[C@H]1c1cccnc1", "CCCl"]

MATRIX = "its input is a column of strings, so that there is no matrix of numbers to refuse"
NOT_APPLICABLE = {
    "check_complex_data": MATRIX,
    "check_estimators_empty_data_messages": MATRIX,
    "check_estimators_nan_inf": MATRIX,
    "check_estimator_sparse_tag": MATRIX,
    "check_estimator_sparse_array": MATRIX,
    "check_estimator_sparse_matrix": MATRIX,
    "check_n_features_in": "a column of strings has no number of features",
    "check_n_features_in_after_fitting": "a column of strings has no number of features",
    "check_fit1d": "one dimension is what it takes",
    "check_fit2d_predict1d": "one dimension is what it takes",
    "check_transformer_general": "it is stateless: transforming another number of columns is no error",
    "check_array_api_input": "strings are in no array of the array API",
}


class OfRows(LatentFeatures):
    """Each row of a matrix stands for a molecule, the same one for equal rows."""

    def fit(self, X, y=None):  # noqa: N803
        return super().fit(molecules(X), y)

    def transform(self, X):  # noqa: N803
        return super().transform(molecules(X))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        tags.input_tags.one_d_array = False
        tags.input_tags.string = False
        return tags


def molecules(matrix):
    rows = np.asarray(matrix).astype(np.float64).astype("<f4")
    return [SMILES[hashlib.sha256(row.tobytes()).digest()[0] % len(SMILES)] for row in rows]


def name_of(check):
    while isinstance(check, partial):
        check = check.func
    return check.__name__


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model"
    model.save(path)
    return str(path)


def test_check_estimator_finds_nothing_wrong(folder):
    with pytest.warns(SkipTestWarning, match="Can't test estimator LatentFeatures which requires input"):
        done = estimator_checks.check_estimator(LatentFeatures(folder))
    assert {check["status"] for check in done} == {"passed"}


CHECKS = [check for _, check in estimator_checks.estimator_checks_generator(OfRows("moses"), legacy=True)]


@pytest.mark.parametrize("check", [check for check in CHECKS if name_of(check) not in NOT_APPLICABLE], ids=name_of)
def test_what_a_check_asks_of_any_estimator_holds(check, folder):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SkipTestWarning)
        check(OfRows(folder))


def test_what_does_not_apply_is_a_check_that_there_is():
    assert set(NOT_APPLICABLE) <= {name_of(check) for check in CHECKS}
