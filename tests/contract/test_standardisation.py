"""What every step of standardisation must do."""

import dataclasses

import pytest

from molvae.chem.standardise import STEPS, Steps, standardise

EXAMPLES = {
    "isotopes": ("[13CH3]C(=O)O", "CC(=O)O"),
    "disconnect_metals": ("CC(=O)O[Na]", "CC(=O)[O-].[Na+]"),
    "normalise": ("C[S+](C)[O-]", "CS(C)=O"),
    "largest_fragment": ("CCO.Cl", "CCO"),
    "neutralise": ("CC(=O)[O-]", "CC(=O)O"),
    "tautomer": ("CC(O)=CC(C)=O", "CC(=O)CC(C)=O"),
    "stereo": ("C[C@H](N)C(=O)O", "CC(N)C(=O)O"),
}
"""For each step a molecule that it changes, and what it makes of it."""

NONE = Steps(**{field.name: field.name == "stereo" for field in dataclasses.fields(Steps)})


def only(step):
    # To keep stereochemistry is the setting, and to drop it the step.
    return dataclasses.replace(NONE, **{step: step != "stereo"})


@pytest.fixture(params=[field.name for field in dataclasses.fields(Steps)])
def step(request):
    return request.param


def test_it_changes_its_example_and_says_so(step):
    given, expected = EXAMPLES[step]
    form = standardise(given, only(step))
    assert (form.smiles, form.steps) == (expected, (step,))


def test_a_standard_form_is_its_own(step):
    form = standardise(EXAMPLES[step][0], only(step))
    again = standardise(form.smiles, only(step))
    assert (again.smiles, again.steps) == (form.smiles, ())


def test_without_it_the_example_stays(step):
    assert step not in standardise(EXAMPLES[step][0], NONE).steps


def test_what_is_no_molecule_has_no_form(step):
    assert standardise("C(", only(step)) is None


def test_every_step_can_be_named_in_the_result():
    assert {field.name for field in dataclasses.fields(Steps)} <= set(STEPS)
