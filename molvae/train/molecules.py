"""Molecules to learn from, in files that are mapped into memory, and batches of them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from molvae.config import TrainConfig
from molvae.files import growing_array
from molvae.nn.batch import Batch
from molvae.nn.property_head import PropertyScale
from molvae.nn.tokens import TokenStore, growing_store
from molvae.seeding import numpy_generator, torch_generator
from molvae.vocabulary import Vocabulary

# Other spellings of each molecule: enough that the encoder seldom meets one twice in a row, few enough to store.
N_RANDOMISED = 4
_RANDOMISED, _PROPERTIES = "spellings", "properties.npy"


@dataclass(frozen=True)
class Molecules:
    """N molecules.

    Attributes:
        tokens: What the decoder is to write of each.
        spellings: The molecules written from other SMILES, 4 N, those of one together; None where none were asked for.
        properties: Values to predict, in their units, float32 (N, P), NaN where unknown; None where there are none.
        scales: The properties.
        n_added: How many of them, the last ones, a model wrote that is trained further.
    """

    tokens: TokenStore
    randomised: TokenStore | None = None
    properties: NDArray[np.float32] | None = None
    scales: tuple[PropertyScale, ...] = ()
    n_added: int = 0

    def __len__(self) -> int:
        """Return N."""
        return len(self.tokens)

    @property
    def n_new(self) -> int:
        """How many of them, the first ones, are prepared molecules."""
        return len(self) - self.n_added

    @classmethod
    def open(cls, folder: Path, scales: tuple[PropertyScale, ...] = (), n_added: int = 0) -> "Molecules":
        """Map what `growing_molecules` wrote."""
        randomised = TokenStore.open(folder / _RANDOMISED) if (folder / _RANDOMISED).exists() else None
        properties = np.asarray(np.load(folder / _PROPERTIES, mmap_mode="r")) if scales else None
        return cls(TokenStore.open(folder), randomised, properties, scales, n_added)

    def standardised(self, rows: NDArray[np.integer], device: torch.device) -> Tensor | None:
        """Return the properties of some molecules in units of their standard deviations, float32 (B, P)."""
        if self.properties is None:
            return None
        means, stds = (np.array([getattr(scale, what) for scale in self.scales]) for what in ("mean", "std"))
        return torch.from_numpy(((self.properties[rows] - means) / stds).astype(np.float32)).to(device)

    def draw_batch(
        self, rows: NDArray[np.unsignedinteger], config: TrainConfig, seed: int, step: int, device: torch.device
    ) -> Batch:
        """Return the molecules of a step with all that chance decides for them, from the seed and the step alone.

        Only new molecules are decoded without a code: it is their like that the decoder is to write by itself, and the
        others are there for the way through their codes.
        """
        is_new = rows < self.n_new
        rows = np.concatenate([rows[~is_new], rows[is_new]])
        read = None
        if self.randomised is not None:
            random = numpy_generator(seed, f"spelling {step}")
            which = rows.astype(np.int64) * N_RANDOMISED + random.integers(N_RANDOMISED, size=len(rows))
            other = random.random(len(rows)) < config.randomised_input
            read = _either(self.randomised.batch(which, device), self.tokens.batch(rows, device), other)
        return Batch.draw(
            *self.tokens.batch(rows, device),
            config.latent_dim,
            config.code_dropout * float(is_new.mean()),
            config.word_dropout,
            torch_generator(seed, f"noise {step}", device),
            read,
            self.standardised(rows, device),
        )


def _either(
    these: tuple[Tensor, Tensor], those: tuple[Tensor, Tensor], choose_these: NDArray[np.bool_]
) -> tuple[Tensor, Tensor]:
    """Take each row, padded token ids and their length, from one of two batches."""
    width = max(these[0].shape[1], those[0].shape[1])
    first, second = (torch.nn.functional.pad(ids, (0, width - ids.shape[1])) for ids, _ in (these, those))
    chosen = torch.from_numpy(choose_these).to(first.device)
    return torch.where(chosen[:, None], first, second), torch.where(chosen, these[1], those[1])


@contextmanager
def growing_molecules(
    folder: Path, vocabulary: Vocabulary, n_properties: int, *, randomised: bool
) -> Iterator[Callable[[Molecules], None]]:
    """Write molecules to a folder, for more than fit into memory together; `Molecules.open` maps them.

    Args:
        folder: The folder to make.
        vocabulary: Their tokens.
        n_properties: Number of properties of each.
        randomised: Whether they come with randomised SMILES too.

    Yields:
        A function that appends molecules.
    """
    with ExitStack() as stack:
        add_tokens = stack.enter_context(growing_store(folder, vocabulary))
        add_randomised = stack.enter_context(growing_store(folder / _RANDOMISED, vocabulary)) if randomised else None
        add_properties = (
            stack.enter_context(growing_array(folder / _PROPERTIES, np.float32, n_properties)) if n_properties else None
        )

        def append(molecules: Molecules) -> None:
            add_tokens(molecules.tokens)
            if add_randomised is not None and molecules.randomised is not None:
                add_randomised(molecules.randomised)
            if add_properties is not None and molecules.properties is not None:
                add_properties(molecules.properties)

        yield append
