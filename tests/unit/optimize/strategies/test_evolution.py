import numpy as np
from test_latent_search import context, search, tpsa

from molvae.chem.molecules import parse
from molvae.config import EvolutionConfig
from molvae.optimize.objective import Evaluation
from molvae.optimize.strategies.evolution import Evolution


def evolution(model, smiles, n_start=50, **settings):
    return Evolution(context(model, smiles[:n_start], smiles), EvolutionConfig(**settings))


def told(strategy, smiles):
    strategy.ask(len(smiles))
    strategy.tell([Evaluation(molecule, tpsa(molecule), True, "ok", {}, {}) for molecule in smiles])
    return strategy


def test_it_improves_on_its_start(model, smiles):
    best = search(evolution(model, smiles), 200)
    of_start = np.sort([tpsa(molecule) for molecule in smiles[:50]])[::-1]
    assert best[:10].mean() > of_start[:10].mean() + 0.1


def test_its_settings_say_how_children_are_made(model, smiles):
    crossed = told(evolution(model, smiles, crossover_fraction=1.0, mutation_fraction=0.0), smiles[:50])
    assert {origin for _, origin in crossed.ask(30)} <= {"cross", "mutate"}
    mutated = told(evolution(model, smiles, crossover_fraction=0.0), smiles[:50])
    assert {origin for _, origin in mutated.ask(30)} == {"mutate"}


def test_children_have_no_more_atoms_than_allowed(model, smiles):
    strategy = told(evolution(model, smiles, max_atoms=20), smiles[:50])
    children = [molecule for molecule, origin in strategy.ask(30) if origin != "sample"]
    assert children
    assert max(parse(molecule).GetNumAtoms() for molecule in children) <= 20


def test_a_single_molecule_can_only_be_mutated(model, smiles):
    strategy = told(evolution(model, smiles, n_start=1), smiles[:1])
    assert {origin for _, origin in strategy.ask(10)} == {"mutate"}
