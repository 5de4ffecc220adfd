"""The input of one training step: sequences, and everything random about the step."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Batch:
    """B sequences: the first C are decoded from their latent code, the rest unconditionally.

    All random numbers of a step are drawn for the whole batch, so that its loss does not depend on how the rows are
    distributed over threads and processes.

    Attributes:
        token_ids: int64 (B, T), each sequence with its end token, then padding.
        lengths: Tokens in each sequence with its end token, int64 (B,).
        encoder_ids: What the encoder reads of the first C sequences, int64 (C, T').
        encoder_lengths: Tokens in each of these with its end token, int64 (C,).
        noise: Standard normal noise for the codes, float32 (C, D).
        word_dropout_mask: The decoder's inputs that are replaced by padding, bool (B, T); None for none.
        properties: Standardised properties of the first C sequences, float32 (C, P), NaN where unknown; None if there
            are none to predict.
    """

    token_ids: Tensor
    lengths: Tensor
    encoder_ids: Tensor
    encoder_lengths: Tensor
    noise: Tensor
    word_dropout_mask: Tensor | None = None
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
        encoder_input: tuple[Tensor, Tensor] | None = None,
        properties: Tensor | None = None,
    ) -> "Batch":
        """Draw the random numbers of a step for some sequences.

        Args:
            token_ids: int64 (B, T), each sequence with its end token, then padding.
            lengths: Tokens in each sequence with its end token, int64 (B,).
            latent_dim: Size of a code.
            code_dropout: Fraction of the sequences that are decoded unconditionally; at least one is not.
            word_dropout: Fraction of the decoder's inputs that are dropped.
            generator: Random number generator on the device of the token ids; torch's own by default.
            encoder_input: Token ids and lengths that the encoder reads for these sequences; by default the same.
            properties: Standardised properties of the sequences, float32 (B, P).
        """
        device = token_ids.device
        n_conditional = max(1, len(token_ids) - round(len(token_ids) * code_dropout))
        noise = torch.randn(n_conditional, latent_dim, generator=generator, device=device)
        mask = None
        if word_dropout > 0.0:
            mask = torch.rand(token_ids.shape, generator=generator, device=device) < word_dropout
        encoder_ids, encoder_lengths = (token_ids, lengths) if encoder_input is None else encoder_input
        return cls(
            token_ids,
            lengths,
            encoder_ids[:n_conditional],
            encoder_lengths[:n_conditional],
            noise,
            mask,
            None if properties is None else properties[:n_conditional],
        )

    def __len__(self) -> int:
        """Return B."""
        return len(self.token_ids)

    @property
    def n_conditional(self) -> int:
        """Number of sequences that are decoded from their code."""
        return len(self.noise)

    @property
    def n_unconditional(self) -> int:
        """Number of sequences that are decoded unconditionally."""
        return len(self) - self.n_conditional

    def shard(self, number: int, n_shards: int) -> "Batch":
        """Return one of the shards of the batch, each with its part of either kind of sequence; it may be empty."""
        if n_shards == 1:
            return self

        def of_all(rows: Tensor) -> Tensor:
            kinds = (rows[: self.n_conditional], rows[self.n_conditional :])
            return torch.cat([part[number::n_shards] for part in kinds])

        return Batch(
            of_all(self.token_ids),
            of_all(self.lengths),
            self.encoder_ids[number::n_shards],
            self.encoder_lengths[number::n_shards],
            self.noise[number::n_shards],
            None if self.word_dropout_mask is None else of_all(self.word_dropout_mask),
            None if self.properties is None else self.properties[number::n_shards],
        )
