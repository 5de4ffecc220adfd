"""A continuous normalising flow in the latent space, fitted by flow matching."""

import copy
import math
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from molvae.config import TrainConfig
from molvae.nn.device import autocast
from molvae.priors.base import PRIORS, Prior
from molvae.seeding import derive_seed, torch_generator

BLOCKS = 4
FREQUENCIES = 16
BATCH_SIZE = 512
LEARNING_RATE = 1.0e-3
WARMUP_STEPS = 100
# Time constant of the exponential moving average of the weights, as a fraction of all steps.
EMA_FRACTION = 0.05
# Steps of the midpoint rule, from noise to codes.
SOLVER_STEPS = 12
SAMPLING_BATCH_SIZE = 4096


class Velocity(nn.Module):
    """The velocity of a code at a time from 0 (noise) to 1 (a code): residual blocks, modulated by the time."""

    def __init__(self, latent_dim: int, width: int) -> None:
        """Make the layers; the initial velocity is zero everywhere."""
        super().__init__()
        self.input_layer = nn.Linear(latent_dim, width)
        self.time_mlp = nn.ModuleList(nn.Linear(2 * FREQUENCIES, 2 * width) for _ in range(BLOCKS))
        self.fc1 = nn.ModuleList(nn.Linear(width, 2 * width) for _ in range(BLOCKS))
        self.fc2 = nn.ModuleList(nn.Linear(2 * width, width) for _ in range(BLOCKS))
        self.output_layer = nn.Linear(width, latent_dim)
        for layer in [*self.time_mlp, *self.fc2, self.output_layer]:
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, codes: Tensor, time: Tensor) -> Tensor:
        """Return velocities, float (B, D).

        Args:
            codes: Standardised codes on their path, float (B, D).
            time: From 0 to 1, float (B, 1).
        """
        angles = time * (0.5 * math.pi * torch.arange(1, FREQUENCIES + 1, device=time.device))
        waves = torch.cat([angles.sin(), angles.cos()], dim=1)  # (B, 2 x frequencies)
        hidden = self.input_layer(codes)
        for time_layer, fc1, fc2 in zip(self.time_mlp, self.fc1, self.fc2, strict=True):
            scale, shift = time_layer(waves).chunk(2, dim=1)
            normed = F.layer_norm(hidden, hidden.shape[1:]) * (1.0 + scale) + shift
            hidden = hidden + fc2(F.silu(fc1(normed)))
        velocity: Tensor = self.output_layer(F.layer_norm(hidden, hidden.shape[1:]))
        return velocity


@PRIORS.register("flow")
class FlowPrior(Prior):
    """A learned velocity field that transports N(0, I) to the distribution of codes.

    The field is fitted by regression: at a random point on the straight line from a noise vector to a code, the
    network predicts the direction of the line. Samples are noise that the field carries from time 0 to time 1. Codes
    are standardised by dimension first. The weights are an exponential moving average over the training steps.

    References:
        Lipman et al., Flow matching for generative modeling, ICLR 2023, arXiv:2210.02747, section 4.1 (the straight
        paths, without noise at their end).

    Attributes:
        velocity: The network.
        mean: Mean of the codes, float32 (D,).
        scale: Their standard deviations, float32 (D,).
    """

    title = "Flow"
    phrase = "the flow prior"

    def __init__(self, velocity: Velocity, mean: Tensor, scale: Tensor) -> None:
        """Store the parts."""
        self.velocity = velocity.eval().requires_grad_(False)
        self.mean = mean
        self.scale = scale
        self.latent_dim = len(mean)

    @classmethod
    def fit(cls, codes: Tensor, config: TrainConfig, seed: int) -> Self:
        """Fit to codes (N, D) by `train.flow_steps` steps of AdamW, on their device."""
        mean, scale = codes.mean(0), codes.std(0, correction=0).clamp(min=1e-6)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive_seed(seed, "flow weights"))
            velocity = Velocity(codes.shape[1], config.flow_width).to(codes.device)
        averaged = _fit_velocity(velocity, (codes - mean) / scale, config.flow_steps, seed)
        return cls(averaged, mean.cpu(), scale.cpu())

    @torch.no_grad()
    def sample(self, n: int, generator: torch.Generator, temperature: float = 1.0) -> Tensor:
        """Sample codes, float32 (n, D), by the midpoint rule."""
        sampled = [torch.empty(0, len(self.mean))]
        for noise in torch.split(torch.randn(n, len(self.mean), generator=generator), SAMPLING_BATCH_SIZE):
            codes = (temperature * noise).to(next(self.velocity.parameters()).device)
            step = 1.0 / SOLVER_STEPS
            for number in range(SOLVER_STEPS):
                time = codes.new_full((len(codes), 1), number * step)
                halfway = codes + 0.5 * step * self.velocity(codes, time)
                codes = codes + step * self.velocity(halfway, time + 0.5 * step)
            sampled.append(codes.cpu())
        return torch.cat(sampled) * self.scale + self.mean

    def to(self, device: torch.device) -> Self:
        """Move the network to a device."""
        self.velocity.to(device)
        return self

    def state(self) -> dict[str, Tensor]:
        """Return mean and scale, (D,), and the network's weights."""
        weights = {f"velocity.{name}": weight.cpu() for name, weight in self.velocity.state_dict().items()}
        return {"mean": self.mean, "scale": self.scale, **weights}

    @classmethod
    def from_state(cls, state: dict[str, Tensor]) -> Self:
        """Restore the prior from `state()`: its sizes follow from the shapes of the weights."""
        width, latent_dim = state["velocity.input_layer.weight"].shape
        if not state["mean"].shape == state["scale"].shape == (latent_dim,):
            raise ValueError(f"expected the mean and scale of codes of size {latent_dim}, found other shapes")
        prefix = "velocity."
        weights = {name.removeprefix(prefix): weight for name, weight in state.items() if name.startswith(prefix)}
        with torch.device("meta"):
            # Compares names and shapes, before memory is taken for more than the weights have.
            Velocity(latent_dim, width).load_state_dict(weights, assign=True)
        velocity = Velocity(latent_dim, width)
        velocity.load_state_dict(weights)
        return cls(velocity, state["mean"], state["scale"])


def _fit_velocity(velocity: Velocity, codes: Tensor, n_steps: int, seed: int) -> Velocity:
    """Train a network on standardised codes, (N, D), and return it with the moving average of its weights."""
    generator = torch_generator(seed, "flow", codes.device)
    optimizer = torch.optim.AdamW(velocity.parameters(), lr=LEARNING_RATE, betas=(0.9, 0.99), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, n_steps))
    averaged = copy.deepcopy(velocity)
    ema_rate = 1.0 / max(1.0, EMA_FRACTION * n_steps)
    for _ in range(n_steps):
        rows = torch.randint(len(codes), (BATCH_SIZE,), generator=generator, device=codes.device)
        ends = codes[rows]
        noise = torch.randn(ends.shape, generator=generator, device=codes.device)
        time = torch.rand(BATCH_SIZE, 1, generator=generator, device=codes.device)
        with autocast(codes.device, "auto"):
            predicted = velocity(torch.lerp(noise, ends, time), time)
        loss = (predicted.float() - (ends - noise)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(velocity.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        with torch.no_grad():
            for mean, weight in zip(averaged.parameters(), velocity.parameters(), strict=True):
                mean.lerp_(weight, ema_rate)
    return averaged


def _rate(step: int, n_steps: int) -> float:
    """Return the factor of the peak learning rate: linear warm-up times cosine decay to zero."""
    warmup = min(1.0, (step + 1) / min(WARMUP_STEPS, n_steps))
    return warmup * 0.5 * (1.0 + math.cos(math.pi * step / n_steps))
