"""Merge the measured values of one molecule."""

from collections.abc import Sequence
from typing import Literal

import pandas as pd

from molvae.tables import CENSORED, MEASURED, N_VALUES, STANDARD_DEVIATION

MergeRule = Literal["mean", "median", "first"]


def merge_repeats(rows: pd.DataFrame, properties: Sequence[str], rule: MergeRule) -> pd.DataFrame:
    """Merge the measurements of molecules that occur in several rows.

    A stereoisomer that was made from a drawing that leaves it open has the measurements of the mixture; they count
    only for a molecule that has none of its own.

    Args:
        rows: The rows in order, with columns `first` (row of the molecule's first occurrence), `is_isomer`, and for
            each property its value and what is censored.
        properties: Names of the properties.
        rule: What becomes of several values.

    Returns:
        A row for each molecule, with the merged value, the number of values, their sample standard deviation (NaN for
        one value) and all that is censored, of each property; the index is `first`.
    """
    merged: dict[str, pd.Series] = {}
    for name in properties:
        values = rows[MEASURED + name]
        own = values.notna() & ~rows["is_isomer"]
        has_own = own.groupby(rows["first"]).transform("any")
        groups = values.where(own | ~has_own).groupby(rows["first"])
        merged[MEASURED + name] = groups.agg(rule)
        merged[N_VALUES + name] = groups.count()
        merged[STANDARD_DEVIATION + name] = groups.std()
        texts = rows[CENSORED + name].dropna()
        merged[CENSORED + name] = texts.groupby(rows["first"]).agg(lambda text: "; ".join(dict.fromkeys(text)))
    return pd.DataFrame(merged)
