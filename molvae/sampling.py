"""How sequences are sampled: one set of parameters, from the settings through the trials to the decoder."""

import math
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Self

from pydantic import Field

from molvae.section import Fraction, NonNegative, Positive

# Memory is taken for as many tokens of each sequence.
MaxLength = Annotated[int, Field(ge=1, le=100_000)]


@dataclass(frozen=True, kw_only=True)
class SamplingParams:
    """Parameters of sampling.

    Attributes:
        temperature: Tokens are sampled from softmax(logits / temperature); 0 takes the most probable (greedy decoding).
        min_probability: Tokens of a lower probability are not sampled, unless no other is more probable. Such tokens
            are usually model errors rather than rare sequences (epsilon sampling; Hewitt et al., Truncation sampling
            as language model desmoothing, EMNLP Findings 2022, doi:10.18653/v1/2022.findings-emnlp.249).
        max_nll: Sequences of a higher negative log-likelihood, in nats at temperature 1, are rejected; infinity keeps
            all.
        max_length: Maximum number of tokens of a sequence, its end token included.
        prior_temperature: Scale of the prior's Gaussian noise; without effect on a prior that has none.
        correction: Power of the density ratio, by the model's discriminator, in proportion to which molecules are
            accepted; 0 accepts all.
    """

    temperature: NonNegative = 1.0
    min_probability: Fraction = 0.0
    max_nll: Positive = math.inf
    max_length: MaxLength
    prior_temperature: NonNegative = 1.0
    correction: NonNegative = 0.0

    def to_json(self) -> dict[str, Any]:
        """Return the parameters as JSON values; infinity, which JSON lacks, becomes null."""
        return asdict(self) | {"max_nll": self.max_nll if math.isfinite(self.max_nll) else None}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Self:
        """Restore the parameters from `to_json()`."""
        return cls(**content | {"max_nll": math.inf if content["max_nll"] is None else content["max_nll"]})
