"""The recurrent decoder: a code to tokens, teacher-forced in training and stepwise in generation."""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from molvae.config import ModelConfig
from molvae.nn.cells import CELLS, States, activation, gate_weights, recurrent_layer
from molvae.nn.device import gains_from_bfloat16
from molvae.sampling import SamplingParams
from molvae.vocabulary import BOS_ID, EOS_ID, PAD_ID


class Decoder(nn.Module):
    """Decodes a latent code z, which sets the initial state and is an input at every step.

    The initial state alone would lose long sequences. At z = 0 the decoder is an unconditional language model of the
    sequences, if it was trained with code dropout.
    """

    def __init__(self, config: ModelConfig, embedding: nn.Embedding) -> None:
        """Make the layers for a configuration, on the token embedding that it shares with the encoder."""
        super().__init__()
        self.embedding = embedding
        self.cell = CELLS[config.cell]
        hidden = config.decoder_hidden
        self.start = nn.Sequential(
            nn.Linear(config.latent_dim, hidden),
            activation(config),
            nn.Linear(hidden, self.cell.n_states * config.decoder_layers * hidden),
            nn.Tanh(),
        )
        sizes = [config.embedding_dim + config.latent_dim] + [hidden] * (config.decoder_layers - 1)
        self.layers = nn.ModuleList(recurrent_layer(config, size, hidden) for size in sizes)
        self.dropout = nn.Dropout(config.dropout)
        self.output = nn.Linear(hidden, embedding.num_embeddings)

    def forward(self, token_ids: Tensor, z: Tensor) -> Tensor:
        """Return the logits of each next token, given the true tokens before it.

        Args:
            token_ids: Inputs, beginning with the start token, int64 (B, T).
            z: Codes, float (B, D).

        Returns:
            Logits, float (B, T, V).
        """
        # Time-major, so that what a layer reads and writes at a step is in one piece.
        embedded = self.embedding(token_ids.T)  # (T, B, E)
        every_step = z.to(embedded.dtype).expand(len(embedded), -1, -1)
        outputs = torch.cat([embedded, every_step], dim=2)  # (T, B, E + D)
        for number, (layer, initial) in enumerate(zip(self.layers, self.initial_states(z), strict=True)):
            inputs = self.dropout(outputs) if number else outputs
            state = tuple(part.unsqueeze(0).to(inputs.dtype).contiguous() for part in initial)
            # torch takes the state of a GRU as a tensor and that of an LSTM as a pair.
            outputs, _ = layer(inputs, state if len(state) > 1 else state[0])  # (T, B, H)
        logits: Tensor = self.output(self.dropout(outputs))
        return logits.transpose(0, 1)

    def initial_states(self, z: Tensor) -> list[States]:
        """Return the initial state of each layer, (B, H) for each of its tensors."""
        n = self.cell.n_states
        parts = self.start(z).chunk(n * len(self.layers), dim=1)
        return [parts[i : i + n] for i in range(0, len(parts), n)]

    @torch.no_grad()
    def generate(
        self,
        z: Tensor,
        params: SamplingParams,
        generator: torch.Generator | None = None,
        code_weight: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Generate a sequence for each code.

        A sequence whose nll exceeds `params.max_nll` is abandoned on the way, and may lack its end token.

        Args:
            z: Codes, float (B, D).
            params: How tokens are chosen; the temperature of the prior is not used.
            generator: Random number generator on the device of z; needed for a temperature above 0.
            code_weight: Weight of the conditional log-probabilities against the unconditional ones (those at z = 0) in
                each next token, from 0 to 1, float (B,). All 1 by default.

        Returns:
            Token ids, int64 (B, T), padded, with the end token where one was generated, and the negative
            log-likelihood of each sequence in nats, float32 (B,): the sum of -log p of its tokens at temperature 1. A
            sequence has at least one token.
        """
        token_ids = torch.full((len(z), params.max_length), PAD_ID, device=z.device)
        nll = torch.zeros(len(z), device=z.device)
        rows = torch.arange(len(z), device=z.device)
        tokens = torch.full((len(z),), BOS_ID, device=z.device)
        active = torch.ones(len(z), dtype=torch.bool, device=z.device)
        stepper = _Stepper(self, z) if code_weight is None else _MixedStepper(self, z, code_weight)
        for step in range(params.max_length):
            logits = stepper.step(tokens)
            logits[:, [PAD_ID, BOS_ID]] = -torch.inf
            if step == 0:
                logits[:, EOS_ID] = -torch.inf
            log_probs = logits.log_softmax(1)
            tokens = _choose(log_probs, params, generator)
            token_ids[rows, step] = tokens
            nll[rows] -= log_probs.gather(1, tokens[:, None])[:, 0].masked_fill(~active, 0.0)
            active &= tokens != EOS_ID
            # Reading the count waits for the device, so it is done every few steps only.
            if step % 4 == 3:
                active &= nll[rows] <= params.max_nll
                n_active = int(active.sum())
                if n_active == 0:
                    break
                if n_active < len(rows):
                    stepper.keep(active)
                    rows, tokens, active = rows[active], tokens[active], active[active]
        return _padded_after_end(token_ids[:, : step + 1]), nll


def _choose(log_probs: Tensor, params: SamplingParams, generator: torch.Generator | None) -> Tensor:
    """Return the next token of each row, int64 (B,)."""
    if params.temperature == 0.0:
        return log_probs.argmax(1)
    probs = (log_probs / params.temperature).softmax(1)
    threshold = probs.amax(1, keepdim=True).clamp_(max=params.min_probability)
    # Inverse transform sampling, by one number in (0, 1] for each row.
    cumulative = probs.masked_fill_(probs < threshold, 0.0).cumsum(1)
    quantile = 1.0 - torch.rand(len(probs), 1, device=probs.device, generator=generator)
    return (cumulative < quantile * cumulative[:, -1:]).sum(1)


def _padded_after_end(token_ids: Tensor) -> Tensor:
    """Replace everything after the first end token of each row by padding."""
    is_end = (token_ids == EOS_ID).long()
    return token_ids.masked_fill(is_end.cumsum(1) - is_end > 0, PAD_ID)


class _Stepper:
    """The decoder one step at a time, for the rows that are still active.

    What does not change between steps is computed once: a table with each token's contribution to the input gates, and
    the contribution of z.
    """

    def __init__(self, decoder: Decoder, z: Tensor) -> None:
        self.cell = decoder.cell
        weights = [gate_weights(cast("nn.RNNBase", layer)) for layer in decoder.layers]
        on_input, _, bias, _ = weights[0]
        size = decoder.embedding.embedding_dim
        self.table = decoder.embedding.weight @ on_input[:, :size].T  # (V, gates)
        self.from_code: Tensor | None = z @ on_input[:, size:].T + bias  # (B, gates)
        if len(z) and bool((z == z[0]).all()):
            # One code for all rows, such as that of the unconditional decoder: its contribution is every token's.
            self.table, self.from_code = self.table + self.from_code[0], None
        self.states = decoder.initial_states(z)
        # As in training: the products of the states in the faster format, all else in float32.
        self.dtype = torch.bfloat16 if gains_from_bfloat16(z.device) else z.dtype
        self.weights = [tuple(weight.to(self.dtype) for weight in layer) for layer in weights]
        self.output = [weight.to(self.dtype) for weight in (decoder.output.weight, decoder.output.bias)]

    def step(self, tokens: Tensor) -> Tensor:
        """Read a token in each row, int64 (B,), and return the logits of the next, (B, V)."""
        # index_select is several times as fast as indexing here.
        gates = self.table.index_select(0, tokens)
        if self.from_code is not None:
            gates.add_(self.from_code)
        for number, (on_input, on_state, input_bias, state_bias) in enumerate(self.weights):
            if number:
                gates = F.linear(self.states[number - 1][0].to(self.dtype), on_input, input_bias).float()
            recurrent = F.linear(self.states[number][0].to(self.dtype), on_state, state_bias).float()
            self.states[number] = self.cell.step(gates, recurrent, self.states[number])
        return F.linear(self.states[-1][0].to(self.dtype), *self.output).float()

    def keep(self, mask: Tensor) -> None:
        """Drop all rows but some, bool (B,)."""
        if self.from_code is not None:
            self.from_code = self.from_code[mask]
        self.states = [tuple(part[mask] for part in states) for states in self.states]


class _MixedStepper:
    """The conditional and the unconditional decoder on the same tokens, and the weighted mean of the two."""

    def __init__(self, decoder: Decoder, z: Tensor, code_weight: Tensor) -> None:
        self.both = _Stepper(decoder, torch.cat([z, torch.zeros_like(z)]))
        self.code_weight = code_weight[:, None]

    def step(self, tokens: Tensor) -> Tensor:
        """Read a token in each row, int64 (B,), and return the mean log-probabilities of the next, (B, V)."""
        conditional, unconditional = self.both.step(tokens.repeat(2)).log_softmax(1).chunk(2)
        return torch.lerp(unconditional, conditional, self.code_weight)

    def keep(self, mask: Tensor) -> None:
        """Drop all rows but some, bool (B,)."""
        self.both.keep(mask.repeat(2))
        self.code_weight = self.code_weight[mask]
