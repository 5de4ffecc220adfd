"""The recurrent decoder: a code to tokens, teacher-forced in training and stepwise in generation."""

import math
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from molvae.config import ModelConfig
from molvae.nn.cells import activation, gate_weights, recurrent_layer
from molvae.nn.device import gains_from_bfloat16
from molvae.vocabulary import BOS_ID, EOS_ID, PAD_ID


class Decoder(nn.Module):
    """Writes a sequence from a code z, which sets the start state and is an input at every step.

    The start state alone would lose long molecules. With z = 0 the decoder is an unconditional model of the
    sequences, if it saw zeros in training.
    """

    def __init__(self, config: ModelConfig, embedding: nn.Embedding) -> None:
        """Make the layers for a configuration, on the token embedding that the encoder uses too."""
        super().__init__()
        self.embedding = embedding
        hidden = config.decoder_hidden
        self.is_lstm = config.cell == "lstm"
        # An LSTM starts from a hidden and a cell state.
        self.n_states = 2 if self.is_lstm else 1
        self.start = nn.Sequential(
            nn.Linear(config.latent_dim, hidden),
            activation(config),
            nn.Linear(hidden, self.n_states * config.decoder_layers * hidden),
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
        embedded = self.embedding(token_ids)  # (B, T, E)
        every_step = z[:, None, :].expand(-1, embedded.shape[1], -1)
        states = torch.cat([embedded, every_step.to(embedded.dtype)], dim=2)  # (B, T, E + D)
        for number, (layer, start) in enumerate(zip(self.layers, self._start_states(z), strict=True)):
            states = self.dropout(states) if number else states
            first = [part.unsqueeze(0).to(states.dtype).contiguous() for part in start]
            states, _ = layer(states, tuple(first) if self.is_lstm else first[0])  # (B, T, H)
        logits: Tensor = self.output(self.dropout(states))
        return logits

    def _start_states(self, z: Tensor) -> list[tuple[Tensor, ...]]:
        """Return for each layer its start states, (B, H) each: h, and c for an LSTM."""
        parts = self.start(z).chunk(self.n_states * len(self.layers), dim=1)
        return [parts[i : i + self.n_states] for i in range(0, len(parts), self.n_states)]

    @torch.no_grad()
    def generate(
        self,
        z: Tensor,
        max_length: int,
        temperature: float = 0.0,
        generator: torch.Generator | None = None,
        code_weight: Tensor | None = None,
        min_probability: float = 0.0,
        max_nll: float = math.inf,
    ) -> tuple[Tensor, Tensor]:
        """Write a sequence for each code, freely running, until all have ended.

        Args:
            z: Codes, float (B, D).
            max_length: Most tokens of a sequence, its end token included.
            temperature: 0 takes the likeliest token (greedy); above, tokens are drawn from softmax(logits / it).
            generator: Source of the draws, on the device of z; needed for a temperature above 0.
            code_weight: Say that the code has in the next token, float (B,): 1 for the decoder with the code alone, 0
                without it, and between them the weighted mean of the two log-probabilities. All 1 by default.
            min_probability: Tokens that are less likely are not drawn, unless no other is more likely. What a model
                thinks so unlikely is more often a fault of its own than a rarity of the molecules (epsilon sampling,
                Hewitt et al., Truncation sampling as language model desmoothing, EMNLP Findings 2022,
                doi:10.18653/v1/2022.findings-emnlp.249).
            max_nll: A sequence that has more is given up on the way, and may lack its end token.

        Returns:
            Token ids, int64 (B, T), padded, with the end token where one came, and the nats of each sequence, float32
            (B,): the sum of -log p of its tokens at temperature 1. A sequence has at least one token.
        """
        written = torch.full((len(z), max_length), PAD_ID, device=z.device)
        nll = torch.zeros(len(z), device=z.device)
        rows = torch.arange(len(z), device=z.device)
        tokens = torch.full((len(z),), BOS_ID, device=z.device)
        active = torch.ones(len(z), dtype=torch.bool, device=z.device)
        stepper = _Stepper(self, z) if code_weight is None else _MixedStepper(self, z, code_weight)
        for step in range(max_length):
            logits = stepper.step(tokens)
            logits[:, [PAD_ID, BOS_ID]] = -torch.inf
            if step == 0:
                logits[:, EOS_ID] = -torch.inf
            log_probs = logits.log_softmax(1)
            tokens = _choose(log_probs, temperature, generator, min_probability)
            written[rows, step] = tokens
            nll[rows] -= log_probs.gather(1, tokens[:, None])[:, 0].masked_fill(~active, 0.0)
            active &= tokens != EOS_ID
            # Asking for the count waits for the device, so it is done every few steps only.
            if step % 4 == 3:
                active &= nll[rows] <= max_nll
                n_left = int(active.sum())
                if n_left == 0:
                    break
                if n_left < len(rows):
                    stepper.keep(active)
                    rows, tokens, active = (each[active] for each in (rows, tokens, active))
        return _end_at_first_end(written[:, : step + 1]), nll


def _choose(log_probs: Tensor, temperature: float, generator: torch.Generator | None, min_probability: float) -> Tensor:
    if temperature == 0.0:
        return log_probs.argmax(1)
    likely = (log_probs / temperature).softmax(1)
    lowest = likely.amax(1, keepdim=True).clamp_(max=min_probability)
    # One number in (0, 1] for each row says how far up the cumulative distribution its token is.
    cumulative = likely.masked_fill_(likely < lowest, 0.0).cumsum(1)
    share = 1.0 - torch.rand(len(likely), 1, device=likely.device, generator=generator)
    return (cumulative < share * cumulative[:, -1:]).sum(1)


def _end_at_first_end(written: Tensor) -> Tensor:
    """Turn what a row went on to write after its end into padding."""
    ended = (written == EOS_ID).cumsum(1)
    after = (ended - (written == EOS_ID).long()) > 0
    return written.masked_fill(after, PAD_ID)


class _Stepper:
    """The decoder one step at a time, for the rows still being written.

    What does not change between steps is computed once: a table with each token's share of the input gates, and the
    share that comes from z.
    """

    def __init__(self, decoder: Decoder, z: Tensor) -> None:
        self.decoder = decoder
        weights = [gate_weights(cast("nn.RNNBase", layer)) for layer in decoder.layers]
        on_input, _, bias, _ = weights[0]
        size = decoder.embedding.embedding_dim
        self.table = decoder.embedding.weight @ on_input[:, :size].T  # (V, gates)
        self.from_code: Tensor | None = z @ on_input[:, size:].T + bias  # (B, gates)
        if len(z) and bool((z == z[0]).all()):
            # One code for all rows, as without a code: its share is that of every token.
            self.table, self.from_code = self.table + self.from_code[0], None
        self.states = decoder._start_states(z)
        # As in training: the products of the states in the faster format, all else in float32.
        self.dtype = torch.bfloat16 if gains_from_bfloat16(z.device) else z.dtype
        self.weights = [tuple(each.to(self.dtype) for each in layer) for layer in weights]
        self.output = [each.to(self.dtype) for each in (decoder.output.weight, decoder.output.bias)]

    def step(self, tokens: Tensor) -> Tensor:
        """Read a token in each row and return the logits of the next, (B, V)."""
        # index_select is several times as fast as indexing here.
        gates = self.table.index_select(0, tokens)
        if self.from_code is not None:
            gates.add_(self.from_code)
        for number, (on_input, on_state, input_bias, state_bias) in enumerate(self.weights):
            if number:
                gates = F.linear(self.states[number - 1][0].to(self.dtype), on_input, input_bias).float()
            recurrent = F.linear(self.states[number][0].to(self.dtype), on_state, state_bias).float()
            update = _lstm if self.decoder.is_lstm else _gru
            self.states[number] = update(gates, recurrent, self.states[number])
        return F.linear(self.states[-1][0].to(self.dtype), *self.output).float()

    def keep(self, mask: Tensor) -> None:
        """Go on with some of the rows only, bool (B,)."""
        if self.from_code is not None:
            self.from_code = self.from_code[mask]
        self.states = [tuple(part[mask] for part in states) for states in self.states]


class _MixedStepper:
    """The decoder with and without the code, side by side on the same tokens, and the weighted mean of the two."""

    def __init__(self, decoder: Decoder, z: Tensor, code_weight: Tensor) -> None:
        self.both = _Stepper(decoder, torch.cat([z, torch.zeros_like(z)]))
        self.code_weight = code_weight[:, None]

    def step(self, tokens: Tensor) -> Tensor:
        """Read a token in each row and return the mean log-probabilities of the next, (B, V)."""
        coded, bare = self.both.step(tokens.repeat(2)).log_softmax(1).chunk(2)
        return torch.lerp(bare, coded, self.code_weight)

    def keep(self, mask: Tensor) -> None:
        """Go on with some of the rows only, bool (B,)."""
        self.both.keep(mask.repeat(2))
        self.code_weight = self.code_weight[mask]


def _gru(from_input: Tensor, from_state: Tensor, states: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Return the next state by torch's definition of nn.GRU, given both shares of the three gates."""
    (h,) = states
    size = h.shape[1]
    reset, update = (from_input[:, : 2 * size] + from_state[:, : 2 * size]).sigmoid_().chunk(2, dim=1)
    new = _tanh(torch.addcmul(from_input[:, 2 * size :], reset, from_state[:, 2 * size :]))
    return (torch.lerp(new, h, update),)


def _lstm(from_input: Tensor, from_state: Tensor, states: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Return the next hidden and cell state by torch's definition of nn.LSTM."""
    i, f, g, o = (from_input + from_state).chunk(4, dim=1)
    c = torch.sigmoid(f) * states[1] + torch.sigmoid(i) * _tanh(g)
    return torch.sigmoid(o) * _tanh(c), c


def _tanh(x: Tensor) -> Tensor:
    """Return tanh by way of the sigmoid, which torch computes several times as fast on a CPU."""
    return (2.0 * x).sigmoid_().mul_(2.0).sub_(1.0)
