"""A row whose stereochemistry is not all drawn becomes a row for each stereoisomer."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from rdkit import Chem
from rdkit.Chem.EnumerateStereoisomers import EnumerateStereoisomers, StereoEnumerationOptions

from molvae.chem.quiet import quiet
from molvae.chem.reading import Record
from molvae.chem.standardise import STEREO
from molvae.chem.timeout import Outcome, map_within
from molvae.config import PrepareConfig
from molvae.prepare.convert import Accepted, Conversion, Reason, Refused, convert_all


def enumerate_stereoisomers(
    records: Sequence[Record], outcomes: Sequence[Conversion], config: PrepareConfig
) -> tuple[list[Record], list[Conversion], list[bool]]:
    """Put the stereoisomers of each accepted molecule in its place.

    Centres and double bonds that are drawn stay as they are. Of more isomers than the settings allow, a choice is taken
    that depends on the molecule alone. Whether an isomer can be built (a bridgehead may allow one only) is not checked.

    Args:
        records: N rows.
        outcomes: What became of them.
        config: The settings.

    Returns:
        The rows, what became of them, and of each whether it was added. The isomers of a row are named after it, with
        `#1`, `#2`, ... at the end.
    """
    smiles = [each.smiles for each in outcomes if isinstance(each, Accepted)]
    with quiet():
        enumerate_one = partial(_isomers, most=config.max_stereoisomers)
        found = iter(map_within(enumerate_one, smiles, config.time_limit_s))
    rows: list[tuple[Record, Conversion, bool]] = []
    for record, outcome in zip(records, outcomes, strict=True):
        isomers = next(found) if isinstance(outcome, Accepted) else []
        if isinstance(isomers, Outcome):
            reason = Reason.TOO_SLOW if isomers is Outcome.TOO_SLOW else Reason.CRASHED
            rows.append((record, Refused(reason, "while its stereoisomers were enumerated"), False))
        elif len(isomers) < 2:
            rows.append((record, outcome, False))
        else:
            rows += _as_rows(record, isomers, outcome, config)
    return [row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows]


def _isomers(smiles: str, most: int) -> list[str]:
    """Return the canonical SMILES of the stereoisomers that a drawing leaves open; none if it leaves none."""
    options = StereoEnumerationOptions(  # type: ignore[no-untyped-call]
        onlyUnassigned=True, unique=True, maxIsomers=most
    )
    isomers = EnumerateStereoisomers(Chem.MolFromSmiles(smiles), options)  # type: ignore[no-untyped-call]
    return sorted(map(Chem.MolToSmiles, isomers))


def _as_rows(
    record: Record, isomers: Sequence[str], drawn: Conversion, config: PrepareConfig
) -> list[tuple[Record, Conversion, bool]]:
    outcomes = convert_all([replace(record, smiles=isomer) for isomer in isomers], config)
    rows: list[tuple[Record, Conversion, bool]] = []
    for number, outcome in enumerate(outcomes):
        if isinstance(outcome, Accepted) and isinstance(drawn, Accepted):
            outcome = replace(outcome, steps=(*drawn.steps, STEREO))
        rows.append((replace(record, id=f"{record.id}#{number + 1}"), outcome, number > 0))
    return rows
