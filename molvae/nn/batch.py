"""What one step of training sees: molecules, and what chance decided for them."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Batch:
    """B molecules, the first C of which are decoded from their code and the rest without one.

    All that is random in a step is drawn for the whole batch, so that the loss of a batch is the same however its rows
    are dealt out to threads and processes.

    Attributes:
        token_ids: int64 (B, T), each sequence with its end token, then padding.
        lengths: Tokens in each sequence with its end token, int64 (B,).
        encoder_ids: What the encoder reads of the first C molecules, int64 (C, T').
        encoder_lengths: Tokens in each of these with its end token, int64 (C,).
        noise: Standard normal draws for the codes, float32 (C, D).
        hidden: The decoder's inputs that it must do without, bool (B, T); None if it sees them all.
        properties: Standardised properties of the first C molecules, float32 (C, P), NaN where unknown; None if there
            are none to predict.
    """

    token_ids: Tensor
    lengths: Tensor
    encoder_ids: Tensor
    encoder_lengths: Tensor
    noise: Tensor
    hidden: Tensor | None = None
    properties: Tensor | None = None

    @classmethod
    def draw(
        cls,
        token_ids: Tensor,
        lengths: Tensor,
        latent_dim: int,
        code_dropout: float = 0.0,
        word_dropout: float = 0.0,
        generator: torch.Generator | None = None,
        read: tuple[Tensor, Tensor] | None = None,
        properties: Tensor | None = None,
    ) -> "Batch":
        """Let chance decide for some molecules.

        Args:
            token_ids: int64 (B, T), each sequence with its end token, then padding.
            lengths: Tokens in each sequence with its end token, int64 (B,).
            latent_dim: Size of a code.
            code_dropout: Share of the molecules decoded without a code; at least one has a code.
            word_dropout: Share of the decoder's inputs that are hidden.
            generator: Source of the draws, on the device of the token ids; torch's own by default.
            read: Token ids and lengths that the encoder reads for these molecules; by default the same.
            properties: Standardised properties of the molecules, float32 (B, P).
        """
        device = token_ids.device
        n_coded = max(1, len(token_ids) - round(len(token_ids) * code_dropout))
        noise = torch.randn(n_coded, latent_dim, generator=generator, device=device)
        hidden = None
        if word_dropout > 0.0:
            hidden = torch.rand(token_ids.shape, generator=generator, device=device) < word_dropout
        encoder_ids, encoder_lengths = (token_ids, lengths) if read is None else read
        properties = None if properties is None else properties[:n_coded]
        return cls(token_ids, lengths, encoder_ids[:n_coded], encoder_lengths[:n_coded], noise, hidden, properties)

    def __len__(self) -> int:
        """Return B."""
        return len(self.token_ids)

    @property
    def n_coded(self) -> int:
        """Molecules that are decoded from their code."""
        return len(self.noise)

    def shard(self, number: int, n_shards: int) -> "Batch":
        """Return one of the parts into which the rows are dealt, with and without a code evenly; it may be empty."""
        if n_shards == 1:
            return self

        def of_all(rows: Tensor) -> Tensor:
            return torch.cat([part[number::n_shards] for part in (rows[: self.n_coded], rows[self.n_coded :])])

        return Batch(
            of_all(self.token_ids),
            of_all(self.lengths),
            self.encoder_ids[number::n_shards],
            self.encoder_lengths[number::n_shards],
            self.noise[number::n_shards],
            None if self.hidden is None else of_all(self.hidden),
            None if self.properties is None else self.properties[number::n_shards],
        )
