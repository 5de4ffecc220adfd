"""The config and the objective of a series, with a comment at each setting."""

import math

from molvae.data_look import SMALL
from molvae.new_project import OBJECTIVE, columns_text, named, quoted
from molvae.series.plan import SeriesPlan
from molvae.text import one_line

# Of the minutes of a run, the fraction that training may take, and the oracle calls for each of them.
_TRAINING, _CALLS = 0.27, 55
_MIN_BUDGET = 200
# Epochs of a series of one molecule for each of these minutes: five of 1,000 molecules in 15 minutes.
_MOLECULE_EPOCHS = 333
_MIN_EPOCHS, _MAX_EPOCHS = 2, 10


def config_text(plan: SeriesPlan, name: str, data: str, minutes: float) -> str:
    """Return the config of a run.

    Args:
        plan: What is looked for.
        name: Name of the run.
        data: Path of the table from the project's folder.
        minutes: Minutes that the run may take, by which training and search are limited.
    """
    look = plan.look
    is_small = look.n_rows < SMALL
    epochs = min(max(round(_MOLECULE_EPOCHS * minutes / look.n_rows), _MIN_EPOCHS), _MAX_EPOCHS)
    models = "\n".join(f"  # {look.model_text(model)}." for model in look.unread)
    table = one_line(look.path.name)
    return f"""\
# {name}: made by `molvae series` for {table}, {look.n_rows:,} rows, to run in some {minutes:g} minutes.
# Every other setting has its default: molvae/config.py lists all of them, with what each is for.

# Results go to results/{name}/.
{named("run", name)}

prepare:
  # Paths are those from the folder of this file, where the commands are run.
  input: [{quoted(data)}]
{columns_text(look)}  validation_fraction: 0.1
  test_fraction: 0.1

train:
  # The model to train further.
{models}
  init_from: {plan.base}
  # Fraction of the training molecules that it generates itself, to prevent forgetting.
  replay: {0.8 if is_small else 0.3}
  # Small steps, because large ones cause forgetting too.
  batch_size: {32 if is_small else 128}
  learning_rate: {"3.0e-4" if is_small else "1.0e-3"}
  epochs: {epochs}
  # Stop when the next epoch would end after this many minutes.
  max_minutes: {_TRAINING * minutes:.3g}
  # The KL weight is at its final value from the start, as at the end of the first training.
  kl_schedule: constant
  # Fraction of the new molecules that are decoded unconditionally.
  code_dropout: 0.5
  priors: [decoder]
  prior_samples: 300
  min_probabilities: [0.01]
  rejected_fractions: [0.1]

evaluate:
  n_reconstruct: 100
  n_samples: 500
  n_latent: 100
  n_map: 500

sample:
  n: 500

score:
  n_reference: 1000

optimize:
  # What better means.
  objectives: [{OBJECTIVE}]
  # Scored molecules: more take longer, and give better candidates.
  budget: {max(10 * round(_CALLS * minutes / 10), _MIN_BUDGET)}
  n_start: 100

report:
  title: {quoted(f"A better {plan.activity} than in {look.path.name}")}
"""


def objective_text(plan: SeriesPlan, name: str, data: str) -> str:
    """Return the objective: more active than the series by a learned model, around its lead, drug-like.

    Args:
        plan: What is looked for.
        name: Name of the objective.
        data: Path of the table from the objective's folder.
    """
    low, high = plan.logp
    table = f"table: {quoted(data)}, column: {quoted(plan.activity)}"
    if plan.look.smiles_column is not None:
        table += f", smiles_column: {quoted(plan.look.smiles_column)}"
    return f"""\
# What better means: change it to what you want. `molvae objective --terms` lists everything that a term or a constraint
# may be, with examples.

{named("name", name)}
description: {quoted(_description(plan))}
{_lead(plan)}{_core(plan)}# A geometric mean is 0 if one term is 0; in an arithmetic one terms make up for each other.
mean: geometric
terms:
  # Learned from the measured values. Molecules that differ too much from all of them to be predicted are infeasible.
  - learned: {{{table}, within_domain: true}}
{_desirability(plan)}
    weight: 2
  # Drug-like as a whole; 5 % of the series are more so than the upper end.
  - property: qed
    maximise: {{low: 0, high: {max(plan.qed, 0.01):.2f}}}
    weight: 0.5
  # The window has 90 % of the series.
  - property: logp
    window: {{low: {low:.1f}, high: {max(high, low + 0.1):.1f}, width: 0.5}}
    weight: 0.5
  # From 1, easy to make, to 10; 95 % of the series are at most as hard to make as the mean.
  - property: sa_score
    min_gaussian: {{mean: {plan.sa_score:.1f}, sd: 0.5}}
    weight: 0.5
constraints:
  # 95 % of the series, and the lead, are lighter, in Da.
  - {{property: mol_weight, max: {10 * math.ceil(plan.mol_weight / 10)}}}
{_alerts(plan)}"""


def _description(plan: SeriesPlan) -> str:
    change = "lower" if plan.minimise else "higher"
    return (
        f"Molecules of a {change} {plan.activity} than {_start(plan)} of {plan.look.path.name}, the best of them a "
        f"little beyond its best value ({plan.best:g}), as predicted from what was measured, similar to the lead, "
        "drug-like and easy to make."
    )


def _start(plan: SeriesPlan) -> str:
    return "the median" if plan.starts_at_median else "the worst value"


def _lead(plan: SeriesPlan) -> str:
    origin = "As given" if plan.is_given[0] else f"The molecule of the best {one_line(plan.activity)}"
    if plan.is_given == (False, True):
        origin += " of those that hold the core"
    return f"""\
# {origin}. Candidates have at least this similarity to it, of ECFP4 counts.
lead: {{smiles: {quoted(plan.lead)}, similarity: 0.4, fingerprint: ECFP4}}
"""


def _core(plan: SeriesPlan) -> str:
    if plan.core is None:
        return """\
# What every candidate holds: a SMARTS pattern, or a SMILES with attachment points.
# core: '[*:1]c1ccccc1'
"""
    origin = "As given" if plan.is_given[1] else "What the most active molecules have in common"
    return f"""\
# {origin}: {plan.core_fraction:.0%} of the series hold it, and every candidate does.
core: {quoted(plan.core)}
"""


def _desirability(plan: SeriesPlan) -> str:
    about = f"    # From {_start(plan)} to a little beyond the best one, {plan.best:g}.\n"
    low, high = sorted((plan.start, plan.goal))
    return f"{about}    {'minimise' if plan.minimise else 'maximise'}: {{low: {low:.6g}, high: {high:.6g}}}"


def _alerts(plan: SeriesPlan) -> str:
    """Exclude the alerts of a collection, unless most of the series have one: a search near it could not avoid them."""
    parts = " and ".join(f"{fraction:.0%} ({name})" for name, fraction in plan.alerts.items())
    kept = [name for name, fraction in plan.alerts.items() if fraction < 0.5]
    comment = f"  # Structural alerts; of the series, {parts} have them.\n"
    return comment + (f"  - {{alerts: [{', '.join(kept)}]}}\n" if kept else "")
