"""A lead to start from and a core to keep, in the spec and in searches."""

import pytest
import yaml

from molvae.chem.core import read_core
from molvae.chem.molecules import canonical_smiles, parse
from molvae.config import OptimizeConfig
from molvae.errors import DataError, ObjectiveError
from molvae.files import read_table
from molvae.optimize.objective import Objective, load_objective
from molvae.optimize.similarity import similarity_to
from molvae.optimize.spec import ObjectiveSpec, read_spec
from molvae.optimize.stage import known_molecules, optimize

LEAD = "CN(C)C(=O)Cc1c(-c2ccc(C)cc2)nc2ccc(C)cn12"
CORE = "c1ccc(-c2cn3ccccc3n2)cc1"
AMIDE = "O=C(N[*:1])c1ccc([*:2])cc1"
TERMS = [{"property": "qed"}]


def objective(**keys):
    return Objective(ObjectiveSpec.model_validate({"name": "mine", "terms": TERMS, **keys}), None)


@pytest.fixture
def refusal(tmp_path):
    def refused(**keys):
        file = tmp_path / "mine.yaml"
        file.write_text(yaml.safe_dump({"name": "mine", "terms": TERMS, **keys}))
        with pytest.raises(ObjectiveError) as caught:
            read_spec(file)
        message = str(caught.value)
        assert "\n" not in message
        assert message.endswith(f"({file})")
        return message

    return refused


def test_a_lead_and_a_core_are_constraints_with_columns_of_their_own():
    mine = objective(lead={"smiles": LEAD}, core=CORE, constraints=[{"property": "mol_weight", "max": 350}])
    assert mine.constraint_names == ("core", "similarity_to_lead", "mol_weight")
    lead, other = mine.evaluate_batch([LEAD, "CCO"])
    assert (lead.feasible, lead.constraints["similarity_to_lead"], lead.constraints["core"]) == (True, 1.0, 1.0)
    assert other.violated == ("core", "similarity_to_lead")


def test_the_similarity_is_that_of_the_fingerprint_asked_for():
    analogue = "CN(C)C(=O)Cc1c(-c2ccc(Cl)cc2)nc2ccc(C)cn12"
    for name in ("ECFP4", "ECFP4_bits"):
        mine = objective(lead={"smiles": LEAD, "fingerprint": name})
        value = mine.evaluate(analogue).constraints["similarity_to_lead"]
        assert value == pytest.approx(similarity_to(parse(LEAD), name)(parse(analogue)))


def test_a_spec_survives_being_written_and_read_again():
    spec = objective(lead={"smiles": LEAD, "similarity": 0.3}, core=CORE).spec
    assert ObjectiveSpec.model_validate(spec.model_dump(mode="json", exclude_none=True)) == spec


def test_without_them_the_spec_is_written_as_before():
    assert set(objective().as_dict()) == {"name", "description", "mean", "terms", "constraints"}


def test_a_lead_that_is_no_molecule_is_refused(refusal):
    assert "lead.smiles: expected a SMILES, found 'aspirin'" in refusal(lead={"smiles": "aspirin"})
    assert "nothing after it" in refusal(lead={"smiles": "CCO ethanol"})
    assert "lead.similarity: expected" in refusal(lead={"smiles": "CCO", "similarity": 1.4})
    assert "did you mean similarity?" in refusal(lead={"smiles": "CCO", "similarty": 0.4})
    assert "lead.fingerprint: expected" in refusal(lead={"smiles": "CCO", "fingerprint": "ECFP2"})


def test_a_core_that_is_no_pattern_is_refused(refusal):
    assert "core: expected a SMARTS pattern, or a molecule with attachment points" in refusal(core="c1cc(")
    assert "core: expected a SMILES with attachment points" in refusal(core="c1cc([*:1])")


def test_a_core_that_the_lead_does_not_hold_is_refused(refusal):
    message = refusal(lead={"smiles": "CC(=O)Nc1ccc(O)cc1"}, core=CORE)
    assert f"core: expected a part of the lead, found no match of '{CORE}' in CC(=O)Nc1ccc(O)cc1" in message


def test_a_lead_alone_is_no_objective(refusal):
    assert "terms: expected at least one, found none" in refusal(lead={"smiles": LEAD}, terms=[])


def test_a_constraint_must_have_another_name_than_theirs(refusal):
    constraint = {"name": "core", "has": "CO"}
    assert "expected another name than core" in refusal(core=CORE, constraints=[constraint])


def search(model, folder, molecules=None, strategy="latent", budget=80, **keys):
    known = known_molecules(None) if molecules is None else molecules
    config = OptimizeConfig(strategy=strategy, budget=budget, batch_size=20, n_start=20)
    mine = objective(**keys)
    optimize(model, mine, known, folder, config, seed=1)
    return read_table(folder / "trace.parquet"), read_table(folder / "candidates.csv")


@pytest.mark.timeout(180)
@pytest.mark.parametrize("strategy", ["latent", "evolution"])
def test_a_search_starts_from_the_lead_and_stays_near_it(model, tmp_path, strategy):
    trace, candidates = search(model, tmp_path, strategy=strategy, lead={"smiles": LEAD})
    assert trace["smiles"][0] == canonical_smiles(LEAD)
    assert len(trace) == 80
    assert trace["feasible"].mean() > 0.9
    assert trace["constraint.similarity_to_lead"][1:].max() < 1.0
    assert trace["smiles"][0] not in set(candidates["smiles"])
    assert candidates["score"].iloc[0] > trace["score"][0]


@pytest.mark.timeout(180)
@pytest.mark.parametrize("strategy", ["latent", "evolution"])
@pytest.mark.parametrize("core", [CORE, AMIDE])
def test_proposals_are_made_around_the_core(model, tmp_path, strategy, core):
    trace, _ = search(model, tmp_path, strategy=strategy, core=core)
    kept = read_core(core)
    assert trace["smiles"][0] == canonical_smiles(kept.molecule())
    assert sum(kept.is_in(parse(smiles)) for smiles in trace["smiles"]) >= 0.9 * len(trace)
    assert len(trace) == 80


@pytest.mark.timeout(180)
def test_known_molecules_that_hold_the_core_are_started_from(model, prepared, tmp_path):
    known = known_molecules(prepared)
    core = "c1ccccc1C(=O)N"
    trace, _ = search(model, tmp_path, known, budget=40, core=core)
    assert trace["constraint.core"].all()
    assert canonical_smiles(read_core(core).molecule()) != trace["smiles"][0]


def test_a_core_from_which_nothing_can_start_is_one_line(model, tmp_path):
    with pytest.raises(DataError, match="mine: expected a molecule to start from that holds the core"):
        search(model, tmp_path, core="C=FC")


def test_an_objective_file_may_have_both(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump({"name": "mine", "terms": TERMS, "lead": {"smiles": LEAD}, "core": CORE}))
    assert load_objective(str(file)).evaluate(LEAD).feasible
