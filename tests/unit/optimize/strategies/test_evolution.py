import numpy as np

from molvae.chem.molecules import parse
from molvae.config import EvolutionConfig
from molvae.optimize.objective import Evaluation
from molvae.optimize.strategies.evolution import Evolution


def test_it_improves_on_what_it_knows(told, smiles, polarity):
    strategy = told(Evolution, EvolutionConfig(), smiles[:50])
    scores = [polarity(molecule) for molecule in smiles[:50]]
    before = np.sort(scores)[-10:].mean()
    for _ in range(8):
        children = [molecule for molecule, _ in strategy.ask(20)]
        scores += map(polarity, children)
        strategy.tell([Evaluation(child, polarity(child), True, "ok", {}, {}) for child in children])
    assert np.sort(scores)[-10:].mean() > before + 0.1


def test_its_settings_say_how_children_are_made(told, smiles):
    crossed = told(Evolution, EvolutionConfig(crossover_fraction=1.0, mutation_fraction=0.0), smiles[:50])
    assert {origin for _, origin in crossed.ask(30)} <= {"cross", "mutate"}
    mutated = told(Evolution, EvolutionConfig(crossover_fraction=0.0), smiles[:50])
    assert {origin for _, origin in mutated.ask(30)} == {"mutate"}


def test_children_have_no_more_atoms_than_allowed(told, smiles):
    strategy = told(Evolution, EvolutionConfig(max_atoms=20), smiles[:50])
    children = [molecule for molecule, origin in strategy.ask(30) if origin != "sample"]
    assert children
    assert max(parse(molecule).GetNumAtoms() for molecule in children) <= 20


def test_a_single_molecule_can_only_be_mutated(told, smiles):
    strategy = told(Evolution, EvolutionConfig(), smiles[:1])
    assert {origin for _, origin in strategy.ask(10)} == {"mutate"}
