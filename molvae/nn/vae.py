"""The VAE: encoder, reparameterised code, decoder, and the loss with named terms."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from molvae.config import ModelConfig
from molvae.nn.batch import Batch
from molvae.nn.decoder import Decoder
from molvae.nn.encoder import Encoder
from molvae.nn.losses import kl_to_standard_normal, mean, sequence_nll, with_free_bits
from molvae.nn.property_head import PropertyHead, property_loss
from molvae.vocabulary import BOS_ID, EOS_ID, PAD_ID


@dataclass(frozen=True)
class LossWeights:
    """Weights of the terms of the loss at one step; see `molvae.config.TrainConfig` for their meaning."""

    kl: float
    free_bits: float = 0.0
    z_l2: float = 0.0
    properties: tuple[float, ...] = ()


@dataclass(frozen=True)
class Loss:
    """The loss of a batch and its terms: scalar tensors, means over sequences in nats; 0 where there are none.

    Attributes:
        total: What training minimises.
        reconstruction: Cross-entropy of the sequences that were decoded from their code.
        kl: KL divergence of their posterior from N(0, I), summed over dimensions.
        unconditional: Cross-entropy of the sequences that were decoded unconditionally.
        properties: Weighted loss of the properties predicted from the codes.
    """

    total: Tensor
    reconstruction: Tensor
    kl: Tensor
    unconditional: Tensor
    properties: Tensor


class VAE(nn.Module):
    """A recurrent sequence VAE over token ids."""

    def __init__(self, config: ModelConfig, vocabulary_size: int, n_properties: int = 0) -> None:
        """Make the networks for a configuration, with a property head if there are properties to predict."""
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(vocabulary_size, config.embedding_dim, padding_idx=PAD_ID)
        self.encoder = Encoder(config)
        self.decoder = Decoder(config, self.embedding)
        self.property_head = PropertyHead(config, n_properties) if n_properties else None

    def encode(self, token_ids: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mean and log-variance of each code's posterior, float32 (B, D).

        Args:
            token_ids: int64 (B, T), each sequence with its end token, then padding.
            lengths: Tokens in each sequence with its end token, int64 (B,).
        """
        mu, log_var = self.encoder(self.embedding(token_ids.T), lengths)
        return mu, log_var

    def logits(self, token_ids: Tensor, z: Tensor, word_dropout_mask: Tensor | None = None) -> Tensor:
        """Return the decoder's logits for each token of `token_ids` given those before it, float (B, T, V).

        Args:
            token_ids: int64 (B, T).
            z: Codes, float (B, D).
            word_dropout_mask: The decoder's inputs (the start token, then all tokens but the last) that are replaced by
                padding, bool (B, T).
        """
        inputs = torch.cat([torch.full_like(token_ids[:, :1], BOS_ID), token_ids[:, :-1]], dim=1)
        if word_dropout_mask is not None:
            inputs = inputs.masked_fill(word_dropout_mask, PAD_ID)
        # After the end a row reads padding instead of its end token; no logits that count depend on it.
        logits: Tensor = self.decoder(inputs.masked_fill(inputs == EOS_ID, PAD_ID), z)
        return logits

    def loss(self, batch: Batch, weights: LossWeights) -> Loss:
        """Return the loss of a batch, with one posterior sample for each sequence.

        Unconditional sequences are decoded from z = 0. They skip the encoder and have no KL term.
        """
        n = batch.n_conditional
        # A shard of a small batch may have unconditional sequences only, and the encoder needs at least one sequence.
        mu, log_var = self.encode(batch.encoder_ids, batch.encoder_lengths) if n else (batch.noise, batch.noise)
        z = mu + batch.noise * torch.exp(0.5 * log_var)
        codes = torch.cat([z, z.new_zeros(batch.n_unconditional, z.shape[1])])
        nll = sequence_nll(self.logits(batch.token_ids, codes, batch.word_dropout_mask), batch.token_ids)
        kl = kl_to_standard_normal(mu, log_var)
        properties = self.property_loss(z, batch.properties, weights.properties)
        penalty = weights.kl * with_free_bits(kl, weights.free_bits) + weights.z_l2 * mean(z.square().sum(1))
        total = (nll.sum() + (penalty + properties) * n) / len(batch)
        return Loss(total, mean(nll[:n]), mean(kl.sum(1)), mean(nll[n:]), properties)

    def property_loss(self, z: Tensor, targets: Tensor | None, weights: tuple[float, ...]) -> Tensor:
        """Return the loss of the properties predicted from codes, 0 if there are none to predict; scalar.

        Args:
            z: Codes, float (B, D).
            targets: Standardised properties, float (B, P), NaN where unknown.
            weights: Weight of each property.
        """
        if self.property_head is None or targets is None:
            return z.new_zeros(())
        return property_loss(self.property_head(z).float(), targets, z.new_tensor(weights))
