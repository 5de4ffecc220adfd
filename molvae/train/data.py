"""What the train stage learns from: the prepared molecules as files that are mapped into memory."""

import hashlib
import json
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from molvae.chem.selfies_codec import selfies_constraints, smiles_to_selfies
from molvae.chem.vocabulary import split_selfies
from molvae.errors import DataError
from molvae.files import read_blocks, read_json, replacing, write_json
from molvae.model import MolVAE
from molvae.nn.tokens import TokenStore, growing_store
from molvae.provenance import file_sha256
from molvae.seeding import derive_seed, numpy_generator
from molvae.train.start import Start

LEARNED_SPLITS = ("train", "validation")
# Validation molecules against which the priors are measured; more would only take longer.
MOST_REFERENCE = 20_000


@dataclass(frozen=True)
class TrainingData:
    """The prepared molecules, as a training needs them.

    Attributes:
        train: Molecules to learn.
        validation: Held-out molecules.
        longest: Tokens of the longest prepared molecule, its end token included.
    """

    train: TokenStore
    validation: TokenStore
    longest: int


def training_identity(prepared: Path, start: Start, seed: int) -> str:
    """Return a hash of all that decides the weights: what another training left behind is not used.

    Raises:
        DataError: If there are no prepared molecules.
    """
    molecules = file_sha256(prepared / "molecules.parquet")
    settings = json.dumps([start.config.model_dump(), start.vocabulary.tokens, seed, molecules])
    digest = hashlib.sha256(settings.encode())
    for weights in start.vae.state_dict().values():
        digest.update(weights.numpy().tobytes())
    return digest.hexdigest()


def write_data(prepared: Path, folder: Path, start: Start, seed: int, identity: str) -> None:
    """Write the prepared molecules block by block as token ids, unless the folder holds them already.

    A model that is trained further adds molecules of its own to those to learn.

    Args:
        prepared: Folder of the prepare stage.
        folder: Folder to write.
        start: Networks and tokens.
        seed: The run's seed.
        identity: Of the training that they are for.

    Raises:
        DataError: If a split to learn from has fewer than 2 molecules.
        VocabularyError: If a molecule has an unknown token.
    """
    about = folder / "about.json"
    if about.exists() and read_json(about, ["identity"])["identity"] == identity:
        return
    longest = 0
    n_molecules = dict.fromkeys(LEARNED_SPLITS, 0)
    with replacing(folder) as temporary:
        with ExitStack() as stack:
            append = {
                split: stack.enter_context(growing_store(temporary / split, start.vocabulary))
                for split in LEARNED_SPLITS
            }
            for block in read_blocks(prepared / "molecules.parquet", ["selfies", "split"]):
                longest = max([longest, *(1 + len(split_selfies(each)) for each in block["selfies"])])
                for split in LEARNED_SPLITS:
                    added = append[split](block.loc[block["split"] == split, "selfies"].tolist())
                    n_molecules[split] += len(added)
            if start.base is not None:
                append["train"](replayed(start.base, n_molecules["train"], start.config.replay, seed))
                longest = max(longest, start.base.generation.max_length)
        for split, n in n_molecules.items():
            # Two, because the distance that chooses the prior needs a covariance.
            if n < 2:
                raise DataError(
                    f"{prepared}: expected at least 2 molecules in the {split} split, found {n}; give "
                    "`molvae prepare` more molecules, or a larger prepare.validation_fraction"
                )
        write_json(temporary / about.name, {"identity": identity, "longest": longest})


def replayed(base: MolVAE, n_new: int, share: float, seed: int) -> list[str]:
    """Return molecules that a model writes, as SELFIES: that share of them and `n_new` new ones together.

    Learning only new molecules would make a network forget the old ones. Its own samples stand for these, so that
    neither they nor a penalty on the weights are needed.

    References:
        Shin et al., Continual learning with deep generative replay, NeurIPS 2017, arXiv:1705.08690.
    """
    n = round(n_new * share / (1.0 - share))
    sampled = base.sample(n, derive_seed(seed, "replay")) if n else []
    with selfies_constraints(base.standardisation.selfies_constraints):
        written = [smiles_to_selfies(smiles) for smiles in sampled if smiles is not None]
    return [selfies for selfies in written if selfies is not None and base.vocabulary.knows(selfies)]


def open_data(folder: Path) -> TrainingData:
    """Map what `write_data` wrote."""
    longest = int(read_json(folder / "about.json", ["longest"])["longest"])
    return TrainingData(TokenStore.open(folder / "train"), TokenStore.open(folder / "validation"), longest)


def validation_smiles(prepared: Path, n: int, seed: int) -> list[str]:
    """Return the canonical SMILES of the n validation molecules, or of 20,000 of them drawn at random, in order."""
    rows = range(n) if n <= MOST_REFERENCE else numpy_generator(seed, "reference").permutation(n)[:MOST_REFERENCE]
    wanted = set(map(int, rows))
    smiles: list[str] = []
    n_seen = 0
    for block in read_blocks(prepared / "molecules.parquet", ["smiles", "split"]):
        held_out = block.loc[block["split"] == "validation", "smiles"].tolist()
        smiles += [each for row, each in enumerate(held_out, n_seen) if row in wanted]
        n_seen += len(held_out)
    return smiles
