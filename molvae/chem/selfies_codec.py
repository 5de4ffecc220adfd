"""Convert between SMILES and SELFIES.

References:
    Krenn et al., Self-referencing embedded strings (SELFIES), Machine Learning: Science and Technology 2020,
    doi:10.1088/2632-2153/aba947.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import selfies
from rdkit import Chem

from molvae.chem.molecules import canonical_smiles, without_radicals
from molvae.chem.quiet import quiet
from molvae.errors import ConfigError
from molvae.vocabulary import Vocabulary

_LOCK = threading.RLock()


@contextmanager
def selfies_constraints(constraints: str | Mapping[str, int]) -> Iterator[None]:
    """Encode and decode SELFIES under given bonding constraints inside the block, and restore the former ones after it.

    The constraints decide what a SELFIES means, and the library has one table of them for the whole process. Threads
    therefore wait for one another. May be nested.

    Args:
        constraints: The name of a preset of the library (`default`, `octet_rule`, `hypervalent`), or a table such as
            `{"C": 4, "N+1": 4, "?": 8}`.

    Raises:
        ConfigError: If there is no such table, or it is ill-formed.
    """
    with _LOCK:
        before = selfies.get_semantic_constraints()
        try:
            table = selfies.get_preset_constraints(constraints) if isinstance(constraints, str) else dict(constraints)
            # Setting a table empties the library's caches, so it is set only where it differs.
            if table != before:
                selfies.set_semantic_constraints(table)
        except ValueError as error:
            raise ConfigError(
                "prepare.selfies_constraints: expected default, octet_rule, hypervalent, or bonding capacities of "
                f"atoms such as C or N+1 with ? for all others, found {constraints!r} ({error})"
            ) from error
        try:
            yield
        finally:
            if table != before:
                selfies.set_semantic_constraints(before)


def smiles_to_selfies(smiles: str) -> str | None:
    """Return the SELFIES of a SMILES, or None if it has none.

    Not every molecule has one: SELFIES limits the valence of each element (see `selfies_constraints`), and has no dummy
    atoms.
    """
    try:
        return str(selfies.encoder(smiles)) or None
    # The library recurses once for each nested branch.
    except (selfies.EncoderError, RecursionError):
        return None


def randomised_selfies(smiles: str, n: int, seed: int) -> list[str | None]:
    """Return the SELFIES of randomised SMILES of a molecule.

    Args:
        smiles: The molecule.
        n: Their number; some may be equal.
        seed: Seed of the random order of atoms.

    Returns:
        n SELFIES, with None where a SMILES has none.

    References:
        Arus-Pous et al., Randomized SMILES strings improve the quality of molecular generative models, Journal of
        Cheminformatics 2019, doi:10.1186/s13321-019-0393-0.
    """
    # RDKit takes 31 bits.
    randomised = Chem.MolToRandomSmilesVect(Chem.MolFromSmiles(smiles), n, randomSeed=seed % 2**31)
    return [smiles_to_selfies(text) for text in randomised]


def selfies_to_smiles(text: str) -> str | None:
    """Return the canonical SMILES that a SELFIES string decodes to, or None if it decodes to no molecule.

    Known tokens in any order decode to a molecule, unless nothing is left of it: branch and ring tokens at the start,
    for example, are ignored.
    """
    try:
        decoded = selfies.decoder(text)
    except (selfies.DecoderError, RecursionError):
        return None
    return canonical_smiles(decoded) if decoded else None


def read_tokens(
    sequences: Sequence[Sequence[int]], vocabulary: Vocabulary, constraints: str | Mapping[str, int]
) -> list[str | None]:
    """Return the canonical SMILES of generated token sequences, with None for one that is not a valid molecule.

    A token such as [C@@H1] fixes the number of hydrogens of its atom. Where the model generates fewer bonds than that
    leaves, the atom would be a radical; hydrogens are added instead.

    Args:
        sequences: Token ids of SELFIES; what comes after an end token is ignored.
        vocabulary: The tokens.
        constraints: Bonding constraints to decode with, as in `selfies_constraints`.
    """
    with quiet(), selfies_constraints(constraints):
        decoded = (selfies_to_smiles(vocabulary.decode(sequence)) for sequence in sequences)
        return [None if smiles is None else without_radicals(smiles) for smiles in decoded]
