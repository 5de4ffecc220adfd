"""What the rings of generated molecules have that those of known molecules have not.

A sequence model that closes a ring one token too late, or leaves out a double bond, writes a valid molecule whose arene
is none any more: a ring with two conjugated double bonds, or a ring system that nobody has made. Test molecules have a
few of both, so that their share says how many are natural.
"""

from collections.abc import Sequence

from molvae.chem.molecules import parse
from molvae.chem.quiet import quiet
from molvae.chem.ring_systems import has_broken_aromatic, ring_systems, unseen
from molvae.metrics.known_rings import known_ring_systems
from molvae.metrics.metric import Metric
from molvae.metrics.registry import measured
from molvae.metrics.sets import fraction
from molvae.parallel import map_chunks


def ring_metrics(
    samples: Sequence[str | None], test: Sequence[str], training: Sequence[str], n_jobs: int
) -> dict[str, Metric]:
    """Return the fractions of samples, and of test molecules, with broken aromatic rings and with unseen ring systems.

    Args:
        samples: Canonical SMILES of the samples, None where one is no molecule.
        test: Test molecules, canonical.
        training: Training molecules, canonical, whose ring systems count as known.
        n_jobs: Number of processes.
    """
    known = known_ring_systems(training, n_jobs)
    metrics: dict[str, Metric] = {}
    for suffix, molecules in (("", {text for text in samples if text is not None}), ("_test", set(test))):
        found = [row for rows in map_chunks(_rings, sorted(molecules), n_jobs) for row in rows]
        n = len(found)
        broken, odd = sum(is_broken for is_broken, _ in found), sum(bool(unseen(rings, known)) for _, rings in found)
        metrics |= {
            f"broken_aromatics{suffix}": measured(f"broken_aromatics{suffix}", fraction(broken, n), n),
            f"unseen_rings{suffix}": measured(f"unseen_rings{suffix}", fraction(odd, n), n),
        }
    return metrics


def _rings(smiles: list[str]) -> list[tuple[bool, list[str]]]:
    with quiet():
        mols = [mol for mol in map(parse, smiles) if mol is not None]
        return [(has_broken_aromatic(mol), ring_systems(mol)) for mol in mols]
