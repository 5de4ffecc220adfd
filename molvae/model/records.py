"""What a trained model records about itself."""

from dataclasses import asdict, dataclass
from typing import Any, Self, TypeVar

from pydantic import TypeAdapter

from molvae.nn.property_head import PropertyScale
from molvae.sampling import MaxLength, SamplingParams

RecordT = TypeVar("RecordT", "Generation", "PropertyScale", "TrainingRecord")


def checked(record: RecordT) -> RecordT:
    """Return a record that was read from a file, with values of the types and ranges of its fields.

    Raises:
        ValueError: If a value is of another type, or out of range.
    """
    return TypeAdapter(type(record)).validate_python(asdict(record))


@dataclass(frozen=True)
class Generation:
    """How a model generates by default, as decided in training.

    Attributes:
        prior: Name of the prior with the lowest validation FCD.
        max_length: Maximum number of SELFIES tokens of a generated molecule, the end token included.
    """

    prior: str
    max_length: MaxLength


@dataclass(frozen=True)
class PriorTrial:
    """One way of sampling that was tried after training.

    Attributes:
        prior: Name of the prior.
        params: How its sequences were sampled.
        rejected_fraction: Fraction of its sequences, those of the highest nll, that `params.max_nll` rejects.
        validation_fcd: Fréchet ChemNet distance of the samples to the validation molecules.
        n: Number of samples. FCD falls with it, so trials are compared only at the same number. 0 where it was not
            recorded.
    """

    prior: str
    params: SamplingParams
    rejected_fraction: float
    validation_fcd: float
    n: int

    def to_json(self) -> dict[str, Any]:
        """Return the trial as JSON values."""
        return {
            "prior": self.prior,
            **self.params.to_json(),
            "rejected_fraction": self.rejected_fraction,
            "validation_fcd": self.validation_fcd,
            "n": self.n,
        }

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Self:
        """Restore a trial from `to_json()`."""
        params = {"n": 0, **content}
        of_trial = {name: params.pop(name) for name in ("prior", "rejected_fraction", "validation_fcd", "n")}
        return cls(params=SamplingParams.from_json(params), **of_trial)


@dataclass(frozen=True)
class TrainingRecord:
    """How a model was trained.

    Attributes:
        n_molecules: Training molecules, without those that a model trained further adds itself.
        n_parameters: Parameters of the networks.
        epochs: Epochs that were trained.
        best_epoch: The epoch of the lowest validation loss, whose weights the model has.
        init_from: The model that was trained further, if there was one.
        seed: Seed of the run.
        n_threads: CPU threads of each process.
        n_processes: Processes that trained together.
        kl_weight: Final weight of the KL term.
        code_dropout: Fraction of the molecules that were decoded unconditionally.
        trials: The priors that were tried, with their validation FCD.
    """

    n_molecules: int
    n_parameters: int
    epochs: int
    best_epoch: int
    init_from: str | None
    seed: int
    n_threads: int
    n_processes: int
    kl_weight: float
    code_dropout: float
    trials: tuple[PriorTrial, ...] = ()

    def best_trial(self, prior: str | None = None, *, corrected: bool = True) -> PriorTrial:
        """Return the trial of the lowest validation FCD among those with the most samples.

        Args:
            prior: The prior; by default, all count.
            corrected: Whether those with samples that the discriminator corrects count.
        """
        trials = (one for one in self.trials if prior in (None, one.prior) and (corrected or not one.params.correction))
        return min(trials, key=lambda trial: (-trial.n, trial.validation_fcd))

    def to_json(self) -> dict[str, Any]:
        """Return the record as JSON values."""
        return asdict(self) | {"trials": [trial.to_json() for trial in self.trials]}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Self:
        """Restore a record from `to_json()`."""
        return cls(**content | {"trials": tuple(PriorTrial.from_json(trial) for trial in content["trials"])})
