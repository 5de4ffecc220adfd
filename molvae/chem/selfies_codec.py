"""Between SMILES and SELFIES.

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
def selfies_constraints(wanted: str | Mapping[str, int]) -> Iterator[None]:
    """Read and write SELFIES by a table of bonding capacities inside the block; afterwards all is as it was.

    The table decides what a SELFIES means, and the library has one for the whole process, which belongs to nobody.
    Threads that come here wait for one another. May be nested.

    Args:
        wanted: The name of one of the library's tables (`default`, `octet_rule`, `hypervalent`), or a table such as
            `{"C": 4, "N+1": 4, "?": 8}`.

    Raises:
        ConfigError: If there is no such table, or it is ill-formed.
    """
    with _LOCK:
        before = selfies.get_semantic_constraints()
        try:
            table = selfies.get_preset_constraints(wanted) if isinstance(wanted, str) else dict(wanted)
            # Setting a table empties the library's caches, so it is set only where it differs.
            if table != before:
                selfies.set_semantic_constraints(table)
        except ValueError as error:
            raise ConfigError(
                "prepare.selfies_constraints: expected default, octet_rule, hypervalent, or bonding capacities of "
                f"atoms such as C or N+1 with ? for all others, found {wanted!r} ({error})"
            ) from error
        try:
            yield
        finally:
            if table != before:
                selfies.set_semantic_constraints(before)


def smiles_to_selfies(smiles: str) -> str | None:
    """Return the SELFIES of a SMILES, or None if it has none.

    Not every molecule has one: SELFIES bounds the valence of each element (see `selfies_constraints`), and has no
    placeholder atoms.
    """
    try:
        return str(selfies.encoder(smiles)) or None
    # The library descends once for each branch within a branch.
    except (selfies.EncoderError, RecursionError):
        return None


def randomised_selfies(smiles: str, n: int, seed: int) -> list[str | None]:
    """Return a molecule's SELFIES as they follow from SMILES that start at random atoms and turn at random.

    Args:
        smiles: The molecule.
        n: How many are wanted; some may be equal.
        seed: Seed of the choices.

    Returns:
        n SELFIES, with None where a SMILES has none.

    References:
        Arus-Pous et al., Randomized SMILES strings improve the quality of molecular generative models, Journal of
        Cheminformatics 2019, doi:10.1186/s13321-019-0393-0.
    """
    # RDKit takes 31 bits.
    written = Chem.MolToRandomSmilesVect(Chem.MolFromSmiles(smiles), n, randomSeed=seed % 2**31)
    return [smiles_to_selfies(each) for each in written]


def selfies_to_smiles(text: str) -> str | None:
    """Return the canonical SMILES that a SELFIES string stands for, or None if it stands for no molecule.

    A string of known tokens in any order stands for a molecule, unless nothing is left of it: branch and ring tokens
    at the start, for one, have nothing to hang on.
    """
    try:
        decoded = selfies.decoder(text)
    except (selfies.DecoderError, RecursionError):
        return None
    return canonical_smiles(decoded) if decoded else None


def read_tokens(
    sequences: Sequence[Sequence[int]], vocabulary: Vocabulary, constraints: str | Mapping[str, int]
) -> list[str | None]:
    """Return the canonical SMILES of the sequences that a model wrote, with None for one that is no molecule.

    A token such as [C@@H1] says how many hydrogens its atom has. Where a model writes it with fewer bonds than that
    leaves, its atom would be a radical; hydrogens fill it instead.

    Args:
        sequences: Token ids of SELFIES; what comes after an end token is ignored.
        vocabulary: The tokens.
        constraints: Bonding capacities that the SELFIES are read by, as in `selfies_constraints`.
    """
    with quiet(), selfies_constraints(constraints):
        decoded = (selfies_to_smiles(vocabulary.decode(sequence)) for sequence in sequences)
        return [None if smiles is None else without_radicals(smiles) for smiles in decoded]
