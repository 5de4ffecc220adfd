"""Replace molecules with undefined stereochemistry by their stereoisomers."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from rdkit import Chem
from rdkit.Chem.EnumerateStereoisomers import EnumerateStereoisomers, StereoEnumerationOptions

from molvae.chem.molecules import parse_drawing
from molvae.chem.quiet import quiet
from molvae.chem.reading import Record
from molvae.chem.standardise import STEREO, Steps, standardise
from molvae.chem.timeout import Outcome, map_within
from molvae.config import PrepareConfig
from molvae.prepare.convert import Accepted, Conversion, Reason, Rejected, convert_all


def enumerate_stereoisomers(
    records: Sequence[Record], outcomes: Sequence[Conversion], config: PrepareConfig
) -> tuple[list[Record], list[Conversion], list[int]]:
    """Replace each accepted molecule by its stereoisomers.

    Defined centres and double bonds are kept, and so is how the centres of a racemate relate to each other. If there
    are more isomers than the settings allow, a subset is chosen that depends on the molecule alone. Whether an isomer
    is strained (a bridgehead may allow only one) is not checked.

    Args:
        records: N rows.
        outcomes: Their conversions.
        config: The settings.

    Returns:
        The rows, their conversions, and the number of each among the isomers of its row, from 1, or 0 for a row that
        was not replaced. The isomers of a row have its name with `#1`, `#2`, ... appended.
    """
    pairs = [
        (record.smiles, outcome.smiles)
        for record, outcome in zip(records, outcomes, strict=True)
        if isinstance(outcome, Accepted)
    ]
    with quiet():
        enumerate_one = partial(_isomers, config=config)
        enumerated = iter(map_within(enumerate_one, pairs, config.time_limit_s))
    rows: list[tuple[Record, Conversion, int]] = []
    for record, outcome in zip(records, outcomes, strict=True):
        isomers = next(enumerated) if isinstance(outcome, Accepted) else []
        if isinstance(isomers, Outcome):
            reason = Reason.TOO_SLOW if isomers is Outcome.TOO_SLOW else Reason.CRASHED
            rows.append((record, Rejected(reason, "while its stereoisomers were enumerated"), 0))
        elif len(isomers) < 2:
            rows.append((record, outcome, 0))
        else:
            rows += _as_rows(record, isomers, outcome, config)
    return [row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows]


def _isomers(pair: tuple[str, str], config: PrepareConfig) -> list[str]:
    """Return the canonical SMILES of the stereoisomers of a molecule; itself if all is defined.

    Args:
        pair: The SMILES as drawn, and that of its standard form.
        config: The settings.
    """
    drawn, standard = pair
    starts = _group_members(drawn, config) or [standard]
    isomers = {isomer for start in starts for isomer in _enumerated(Chem.MolFromSmiles(start), config)}
    return sorted(isomers)[: config.max_stereoisomers]


def _group_members(drawn: str, config: PrepareConfig) -> list[str]:
    """Return the standard forms of what the groups of enhanced stereochemistry stand for; none without groups."""
    mol = parse_drawing(drawn) if "|" in drawn else None
    if mol is None or not mol.GetStereoGroups():
        return []
    members = _enumerated(mol, config, only_groups=True)
    return [form.smiles for smiles in members if (form := standardise(smiles, Steps.of(config))) is not None]


def _enumerated(mol: Chem.Mol, config: PrepareConfig, *, only_groups: bool = False) -> list[str]:
    options = StereoEnumerationOptions(  # type: ignore[no-untyped-call]
        onlyUnassigned=True, onlyStereoGroups=only_groups, unique=True, maxIsomers=config.max_stereoisomers
    )
    return sorted(map(Chem.MolToSmiles, EnumerateStereoisomers(mol, options)))  # type: ignore[no-untyped-call]


def _as_rows(
    record: Record, isomers: Sequence[str], original: Conversion, config: PrepareConfig
) -> list[tuple[Record, Conversion, int]]:
    outcomes = convert_all([replace(record, smiles=isomer) for isomer in isomers], config)
    rows: list[tuple[Record, Conversion, int]] = []
    for number, outcome in enumerate(outcomes):
        if isinstance(outcome, Accepted) and isinstance(original, Accepted):
            outcome = replace(outcome, steps=(*original.steps, STEREO))
        rows.append((replace(record, id=f"{record.id}#{number + 1}"), outcome, number + 1))
    return rows
