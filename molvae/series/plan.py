"""What a search for better molecules of a series takes from its data: model, activity, lead, core, and limits."""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rdkit import Chem
from rdkit.Chem import rdFMCS

from molvae.chem.alerts import structural_alerts
from molvae.chem.core import Core, read_core
from molvae.chem.descriptors import compute_properties
from molvae.chem.measurements import read_bound
from molvae.chem.molecules import parse
from molvae.chem.quiet import quiet
from molvae.data_look import ENOUGH_TO_TRAIN, DataLook
from molvae.errors import ConfigError, DataError
from molvae.learned.measurements import Bound, Measurements, read_measurements
from molvae.log import logger
from molvae.text import one_line

MIN_CORE_ATOMS = 6
"""Heavy atoms of a common part below which it is no core."""
_N_MOST_ACTIVE = 30
_MAX_COMPARING_S = 5
# Fractions of the most active molecules that share a core, in the order in which they are tried.
_SHARED_BY = (1.0, 0.8)
# By how much of the way from the median to the best value the goal is beyond the best one.
_BEYOND = 0.2
_ALERTS = ("PAINS", "BRENK")
_MAX_BOUNDS = 3
# The hydrogens of an atom in brackets.
_HYDROGENS = re.compile(r"(?<=[A-Za-z])H[0-9]*(?=[+-]*[0-9]*\])")


@dataclass(frozen=True)
class SeriesPlan:
    """What is looked for in a series.

    Attributes:
        look: What its table has.
        base: Model to fine-tune.
        activity: Column with the measured activity.
        minimise: Whether lower values are better.
        start: Activity from which on a molecule is desirable.
        starts_at_median: Whether that is the median; otherwise it is the worst, since most have the best.
        best: Activity of the best measured molecule.
        goal: Activity that is as desirable as can be, a little better than the best.
        n_measured: Molecules with a value.
        lead: SMILES of the molecule to improve.
        core: SMARTS pattern, or SMILES with attachment points, that candidates hold, if there is one.
        core_fraction: Fraction of the measured molecules that hold the core.
        is_given: Whether the user gave the lead, and the core.
        better_bounds: Bounds beyond which a value is at least as good as the best one, of molecules without a value.
        logp: Fifth and 95th percentile of logP.
        qed: 95th percentile of QED.
        sa_score: 95th percentile of the SA score.
        mol_weight: 95th percentile of the molecular weight, or that of the lead if it is heavier, in Da.
        alerts: For collections of structural alerts, the fraction of the measured molecules that have one.
    """

    look: DataLook
    base: str
    activity: str
    minimise: bool
    start: float
    starts_at_median: bool
    best: float
    goal: float
    n_measured: int
    lead: str
    core: str | None
    core_fraction: float
    is_given: tuple[bool, bool]
    better_bounds: tuple[Bound, ...]
    logp: tuple[float, float]
    qed: float
    sa_score: float
    mol_weight: float
    alerts: dict[str, float]

    def lines(self) -> list[str]:
        """Return what is looked for as lines of text."""
        better = "lower" if self.minimise else "higher"
        core = f"{self.core} (in {self.core_fraction:.0%} of the series)" if self.core else "none that most share"
        return [
            f"model to fine-tune: {self.base}",
            f"activity: {self.activity}, {better} is better; {self.n_measured:,} molecules, best {self.best:g}",
            f"lead: {self.lead}",
            f"core: {core}",
            *self._bounds(),
        ]

    def _bounds(self) -> list[str]:
        """Return a line for each of the first bounds that may hide a better lead."""
        return [
            f"line {bound.line} has {one_line(bound.text)}, at least as good as the best value: nothing is learned "
            f"from a bound; to search around this molecule, give --lead {shlex.quote(bound.smiles)}"
            for bound in self.better_bounds
            if bound.smiles != self.lead
        ][:_MAX_BOUNDS]


def plan_series(
    look: DataLook, activity: str, *, minimise: bool = False, lead: str | None = None, core: str | None = None
) -> SeriesPlan:
    """Plan the search for better molecules of a series.

    Args:
        look: What its table has.
        activity: Column with the measured activity.
        minimise: Whether lower values are better.
        lead: SMILES of the molecule to improve; the most active one, of those that hold a given core, by default.
        core: SMARTS pattern, or SMILES with attachment points, that candidates hold; by default what the most active
            molecules have in common, if the lead and most of the series have it.

    Raises:
        DataError: If the table is none of a series, or nothing can be learned from the column.
        ConfigError: If there is no such column, or the lead or the core is none.
    """
    if look.base is None:
        if not look.unread:
            raise DataError(
                "expected a model to fine-tune among those that come with molvae, found none in this installation; "
                "install molvae again"
            )
        raise DataError(
            f"{look.path}: expected a series of fewer than {ENOUGH_TO_TRAIN:,} molecules, found {look.n_rows:,} rows; "
            "begin with `molvae new`"
        )
    if lead is not None:
        _lead_mol(lead)
    given_core = _given_core(core)
    measured = read_measurements(look.path, activity, look.smiles_column)
    order = np.argsort(measured.values if minimise else -measured.values, kind="stable")
    with quiet():
        mols = [Chem.MolFromSmiles(smiles) for smiles in measured.smiles]
        most_active = [mols[index] for index in order]
        chosen_lead = lead or _most_active(most_active, given_core)
        lead_mol = _lead_mol(chosen_lead)
        if given_core is not None and not given_core.is_in(lead_mol):
            raise ConfigError(f"--core: expected a part of the lead {chosen_lead}, found no match of {core!r}")
        kept = given_core or _common_core(most_active, lead_mol)
        alerts = structural_alerts(mols, _ALERTS)
    properties = compute_properties(measured.smiles, ["logp", "qed", "sa_score", "mol_weight"])
    low, high = np.nanpercentile(properties.to_numpy(), [5, 95], axis=0).tolist()
    weight = float(compute_properties([chosen_lead], ["mol_weight"])["mol_weight"].iloc[0])
    start, best, goal = _goal(measured, minimise=minimise)
    return SeriesPlan(
        look=look,
        base=look.base,
        activity=activity,
        minimise=minimise,
        start=start,
        starts_at_median=start == float(np.median(measured.values)),
        best=best,
        goal=goal,
        n_measured=len(measured),
        lead=chosen_lead,
        core=None if kept is None else kept.text,
        core_fraction=0.0 if kept is None else _fraction_with(kept, mols),
        is_given=(lead is not None, core is not None),
        better_bounds=_better_bounds(measured, best, minimise=minimise),
        logp=(low[0], high[0]),
        qed=high[1],
        sa_score=high[2],
        mol_weight=max(high[3], weight),
        alerts={name: _fraction_starting(alerts, name) for name in _ALERTS},
    )


def _lead_mol(lead: str) -> Chem.Mol:
    mol = parse(lead)
    if mol is None:
        raise ConfigError(f"--lead: expected the SMILES of a molecule, found {lead!r}")
    return mol


def _given_core(core: str | None) -> Core | None:
    try:
        return None if core is None else read_core(core)
    except ValueError as error:
        raise ConfigError(f"--core: {error}") from error


def _most_active(mols: Sequence[Chem.Mol], core: Core | None) -> str:
    """Return the first of some molecules that holds the core."""
    if core is None:
        return str(Chem.MolToSmiles(mols[0]))
    for mol in mols:
        if core.is_in(mol):
            return str(Chem.MolToSmiles(mol))
    raise ConfigError(f"--core: expected a part of a measured molecule, found no match of {core.text!r} in any")


def _common_core(mols: Sequence[Chem.Mol], lead: Chem.Mol) -> Core | None:
    """Return what the first molecules have in common, if the lead and most of all molecules have it."""
    for threshold in _SHARED_BY:
        common = rdFMCS.FindMCS(
            list(mols[:_N_MOST_ACTIVE]),
            threshold=threshold,
            timeout=_MAX_COMPARING_S,
            ringMatchesRingOnly=True,
            completeRingsOnly=True,
        )
        if common.canceled:
            # What was found by then depends on how fast the machine is.
            logger.warning("no core: comparing the most active molecules takes too long; name one with --core")
            return None
        if common.numAtoms >= MIN_CORE_ATOMS:
            core = _part_of(lead, common.smartsString)
            return core if core is not None and _fraction_with(core, mols) > 0.5 else None
    return None


def _part_of(lead: Chem.Mol, smarts: str) -> Core | None:
    """Return the part of the lead that a pattern matches, which reads better than the pattern, if there is one."""
    atoms = lead.GetSubstructMatch(Chem.MolFromSmarts(smarts))
    if not atoms:
        return None
    # A hydrogen of the lead, as in [nH], may be a substituent in the others.
    return read_core(_HYDROGENS.sub("", Chem.MolFragmentToSmiles(lead, atoms, isomericSmiles=False)))


def _fraction_with(core: Core, mols: Sequence[Chem.Mol]) -> float:
    return sum(map(core.is_in, mols)) / len(mols)


def _fraction_starting(alerts: Sequence[Sequence[str]], collection: str) -> float:
    return sum(any(name.startswith(f"{collection}:") for name in names) for names in alerts) / len(alerts)


def _goal(measured: Measurements, *, minimise: bool) -> tuple[float, float, float]:
    """Return the activity that counts for nothing, the best one, and the goal a little beyond it."""
    values = measured.values
    best, worst = (values.min(), values.max()) if minimise else (values.max(), values.min())
    median = float(np.median(values))
    # More than half of the values may equal the best one.
    start = median if median != best else float(worst)
    goal = float(best) + _BEYOND * (float(best) - start)
    # A concentration does not become negative.
    if minimise and best >= 0.0:
        goal = max(goal, 0.0)
    return start, float(best), goal


def _better_bounds(measured: Measurements, best: float, *, minimise: bool) -> tuple[Bound, ...]:
    """Return the bounds beyond which a value is at least as good as the best one, of molecules without a value."""
    valued = set(measured.smiles)
    found = []
    for bound in measured.bounds:
        is_above, limit = read_bound(bound.text)
        is_better = limit <= best if minimise else limit >= best
        if is_above != minimise and is_better and bound.smiles not in valued:
            found.append(bound)
    return tuple(found)
