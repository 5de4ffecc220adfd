"""What every split method of the settings must do."""

import typing

import pandas as pd
import pytest

from molvae.config import PrepareConfig
from molvae.prepare import prepare
from molvae.prepare.split import SPLITS
from molvae.vocabulary import split_selfies

METHODS = typing.get_args(PrepareConfig.model_fields["split"].annotation)


@pytest.fixture(scope="module", params=METHODS)
def method(request):
    return request.param


@pytest.fixture(scope="module")
def split(method, tmp_path_factory, smiles):
    """Return a function from a seed to the prepared molecules."""
    rows = [f"{text},m{number},{SPLITS[number % 7 % 3]}" for number, text in enumerate(smiles)]
    config = PrepareConfig(
        split=method,
        split_column="set" if method == "column" else None,
        id_column="id",
        validation_fraction=0.2,
        test_fraction=0.2,
    )

    def run(seed=1, backwards=False):
        folder = tmp_path_factory.mktemp("split")
        lines = ["smiles,id,set", *(rows[::-1] if backwards else rows)]
        (folder / "in.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        prepare([folder / "in.csv"], folder / "out", config, seed)
        return pd.read_parquet(folder / "out" / "molecules.parquet")

    return run


@pytest.fixture(scope="module")
def table(split):
    return split()


def assignment(table):
    return dict(zip(table["id"], table["split"], strict=True))


def test_every_molecule_is_in_one_split_and_no_split_is_empty(table):
    assert table["smiles"].is_unique
    assert set(table["split"]) == set(SPLITS)
    assert (table["split"] == "train").mean() > 0.3


def test_training_has_every_token(table):
    is_train = table["split"] == "train"
    train, held_out = (
        {token for selfies in rows["selfies"] for token in split_selfies(selfies)}
        for rows in (table[is_train], table[~is_train])
    )
    assert held_out <= train


def test_the_split_does_not_depend_on_the_order_of_the_rows(split, table):
    assert assignment(split(backwards=True)) == assignment(table)


def test_the_same_seed_gives_the_same_split_and_another_one_another_unless_a_column_decides(split, table, method):
    assert assignment(split()) == assignment(table)
    assert (assignment(split(seed=2)) == assignment(table)) == (method == "column")
