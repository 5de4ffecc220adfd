"""Replace molecules with undefined stereochemistry by their stereoisomers."""

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
from molvae.prepare.convert import Accepted, Conversion, Reason, Rejected, convert_all


def enumerate_stereoisomers(
    records: Sequence[Record], outcomes: Sequence[Conversion], config: PrepareConfig
) -> tuple[list[Record], list[Conversion], list[bool]]:
    """Replace each accepted molecule by its stereoisomers.

    Defined centres and double bonds are kept. If there are more isomers than the settings allow, a subset is chosen
    that depends on the molecule alone. Whether an isomer is strained (a bridgehead may allow only one) is not checked.

    Args:
        records: N rows.
        outcomes: Their conversions.
        config: The settings.

    Returns:
        The rows, their conversions, and whether each was added. The isomers of a row have its name with `#1`, `#2`, ...
        appended.
    """
    smiles = [outcome.smiles for outcome in outcomes if isinstance(outcome, Accepted)]
    with quiet():
        enumerate_one = partial(_isomers, max_isomers=config.max_stereoisomers)
        enumerated = iter(map_within(enumerate_one, smiles, config.time_limit_s))
    rows: list[tuple[Record, Conversion, bool]] = []
    for record, outcome in zip(records, outcomes, strict=True):
        isomers = next(enumerated) if isinstance(outcome, Accepted) else []
        if isinstance(isomers, Outcome):
            reason = Reason.TOO_SLOW if isomers is Outcome.TOO_SLOW else Reason.CRASHED
            rows.append((record, Rejected(reason, "while its stereoisomers were enumerated"), False))
        elif len(isomers) < 2:
            rows.append((record, outcome, False))
        else:
            rows += _as_rows(record, isomers, outcome, config)
    return [row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows]


def _isomers(smiles: str, max_isomers: int) -> list[str]:
    """Return the canonical SMILES of the stereoisomers of a molecule; itself if all is defined."""
    options = StereoEnumerationOptions(  # type: ignore[no-untyped-call]
        onlyUnassigned=True, unique=True, maxIsomers=max_isomers
    )
    isomers = EnumerateStereoisomers(Chem.MolFromSmiles(smiles), options)  # type: ignore[no-untyped-call]
    return sorted(map(Chem.MolToSmiles, isomers))


def _as_rows(
    record: Record, isomers: Sequence[str], original: Conversion, config: PrepareConfig
) -> list[tuple[Record, Conversion, bool]]:
    outcomes = convert_all([replace(record, smiles=isomer) for isomer in isomers], config)
    rows: list[tuple[Record, Conversion, bool]] = []
    for number, outcome in enumerate(outcomes):
        if isinstance(outcome, Accepted) and isinstance(original, Accepted):
            outcome = replace(outcome, steps=(*original.steps, STEREO))
        rows.append((replace(record, id=f"{record.id}#{number + 1}"), outcome, number > 0))
    return rows
