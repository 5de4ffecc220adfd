"""Standard forms of molecules to learn from or to predict, within a time limit."""

from collections.abc import Collection, Sequence
from functools import partial

from molvae.chem.molecules import is_ordinary, why_not_a_molecule
from molvae.chem.quiet import quiet
from molvae.chem.standardise import Standardised, standardise
from molvae.chem.timeout import TIME_LIMIT_S, Outcome, map_within
from molvae.learned.regressors import Regressor


def standard_forms(smiles: Sequence[str], kinds: Collection[type[Regressor]]) -> list[Standardised | str]:
    """Return the standard form of each of N SMILES, or why there is none, in a few words.

    A molecule that is not ordinary is given up when its standard form and its features together take too long: the atom
    pairs of a chain of 2,000 atoms take most of a minute.

    Args:
        smiles: The SMILES.
        kinds: The models whose features the molecules must have; those on codes set their own limit.
    """
    described = partial(_described_form, kinds=[kind for kind in kinds if not kind.needs_model])
    with quiet():
        odd = iter(map_within(described, [text for text in smiles if not is_ordinary(text)], TIME_LIMIT_S))
        forms = [_form(text) if is_ordinary(text) else next(odd) for text in smiles]
    return [form.value if isinstance(form, Outcome) else form for form in forms]


def _form(smiles: str) -> Standardised | str:
    form = standardise(smiles)
    if form is not None:
        return form
    reason = why_not_a_molecule(smiles)
    return "no standard form" if reason == "no atoms" else reason


def _described_form(smiles: str, kinds: Sequence[type[Regressor]]) -> Standardised | str:
    """Return what `_form` does, after the features have been computed."""
    form = _form(smiles)
    if isinstance(form, Standardised):
        for kind in kinds:
            kind.describe([form.mol], [form.smiles], None)
    return form
