"""The settings of the optimize stage, with a section for each search strategy."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, GetJsonSchemaHandler, field_validator, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from molvae.section import Count, Fraction, NonNegative, Positive, Section


class StrategyConfig(Section):
    """Base of the sections of strategies, by which `OptimizeConfig` knows the names of the strategies."""


class RefitConfig(Section):
    """How the `latent` search trains its copy of the model a little further on the best molecules, now and then."""

    n_steps: Annotated[int, Field(ge=0)] = 4
    """Training steps each time; 0 leaves the model as it is."""
    min_calls: Count = 200
    """Fewest oracle calls between two times; later it is a tenth of the calls so far."""
    batch_size: Count = 64
    """Molecules in a step."""
    incumbent_fraction: Fraction = 0.67
    """Fraction of these molecules that are incumbents; the others repeat training molecules, to prevent forgetting."""
    rank_offset: Count = 5
    """Incumbents are drawn with weights of 1 / (rank + offset), the best having rank 0; a large one evens them out."""
    code_dropout: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.5
    """Fraction of the molecules whose latent code is replaced by zero, which trains unconditional generation."""
    learning_rate: Positive = 5.0e-4
    """Learning rate (Adam)."""
    gradient_clip: Positive = 1.0
    """Largest norm of the gradient in a step."""


class SurrogateConfig(Section):
    """The Gaussian process by which the `latent` search chooses which proposals to score."""

    max_molecules: Annotated[int, Field(ge=8)] = 2400
    """Scored molecules to hold at most; then the best third and a random third are kept."""
    max_to_choose: Annotated[int, Field(ge=8)] = 400
    """Molecules by whose leave-one-out predictions the kernel is chosen at most."""
    noise: Positive = 1.0e-3
    """Variance of the noise, in units of the variance of the scores."""
    rank_below: Fraction = 0.05
    """While the best score is below this, ranks are fitted instead of scores."""
    choose_kernel: bool = True
    """Whether the kernel is chosen by the data; if not, it is the sum of those of ECFP6, FCFP4 and atom-pair counts."""


class LineageConfig(Section):
    """How the `latent` search keeps several lineages of molecules."""

    patience: Count = 200
    """Calls without an improvement of the ten best after which it turns away from the leader and everything near it, or
    back; as many as the budget for never."""
    similarity: Fraction = 0.4
    """Largest Tanimoto similarity (ECFP4) of molecules that are far from each other."""
    n_elite: Count = 20
    """Best molecules, far from each other, that are parents besides the best of all."""


class LatentSearchConfig(StrategyConfig):
    """Bayesian optimisation over molecules that are bred by graph edits and decoded from around the best ones."""

    min_batch: Count = 10
    """Fewest molecules in a round, unless the stage asks for fewer."""
    batch_growth: Fraction = 0.01
    """Molecules in a round as a fraction of the calls so far; at most what the stage asks for."""
    known_batch: Count = 64
    """Most molecules in a round where all of the objective is known, so that there is nothing to learn from a round and
    each is only a few generations of breeding more."""
    infeasible_weight: Fraction = 0.5
    """Factor on the score of a molecule that violates a constraint: it is worth less, but still guides the search."""
    grey_box: bool = True
    """Whether terms that molvae computes itself are computed for every proposal, so that only those of a user's own
    functions and programs are predicted. Of a built-in objective the search never sees more than the score."""
    n_parents: Count = 200
    """Molecules from which children are bred, scored ones and those of the pool with the best predictions."""
    n_generations: Annotated[int, Field(ge=0)] = 4
    """Generations that are bred in a round; 0 for no graph edits."""
    n_children: Count = 100
    """Children in a generation."""
    crossover_fraction: Fraction = 0.5
    """Fraction of the children that have two parents; the others are mutations of one."""
    fresh_fraction: Fraction = 0.3
    """Fraction of the crossovers whose second parent is a fresh molecule: one that is drawn whatever its score."""
    elite_fraction: Fraction = 0.2
    """Fraction of the parents that are drawn from the elite: the best molecules that are far from each other."""
    n_fresh: Count = 500
    """Fresh molecules: half are known ones, if there are any, the others samples of the model."""
    n_groups: Count = 1000
    """Groups that mutations put in the place of others: the most frequent ones of known molecules."""
    pool_size: Count = 1000
    """Unscored molecules that are kept from round to round."""
    decode_every: Count = 50
    """Calls after which the model proposes molecules again."""
    n_perturbed: Annotated[int, Field(ge=0)] = 64
    """Molecules that it then decodes from perturbed codes of the best ones."""
    n_interpolated: Annotated[int, Field(ge=0)] = 32
    """Molecules that it then decodes from between the codes of two of the best ones."""
    n_sampled: Annotated[int, Field(ge=0)] = 64
    """Molecules that it then samples from the decoder unconditionally."""
    min_radius: Positive = 0.1
    """Smallest standard deviation of the noise around a code: near copies."""
    max_radius: Positive = 0.6
    """Largest standard deviation of the noise around a code: other scaffolds."""
    mutation_fraction: Fraction = 0.1
    """Fraction of a batch that are mutations of good molecules that the surrogate has no say in."""
    far_fraction: Fraction = 0.2
    """Fraction of a batch that is chosen from what is far from the best molecule."""
    max_similarity: Fraction = 0.7
    """Largest Tanimoto similarity (ECFP4) within a batch; 1 for no limit."""
    max_beta: Positive = 0.3
    """Largest weight of the standard deviation in the upper confidence bound; its logarithm is drawn uniformly, down to
    a hundredth of this."""
    explore_until: Fraction = 0.5
    """Fraction of the budget after which that weight is 0. Here, as in `batch_growth` and `refit.min_calls`, the known
    molecules that a search starts from count as calls: they teach it as much."""
    max_heavy_atoms: Count = 60
    """Most heavy atoms of a proposed molecule."""
    lineages: LineageConfig = LineageConfig()
    """From which of the scored molecules it breeds."""
    refit: RefitConfig = RefitConfig()
    """Training on the best molecules."""
    surrogate: SurrogateConfig = SurrogateConfig()
    """Prediction of scores."""

    @model_validator(mode="after")
    def _radii(self) -> "LatentSearchConfig":
        if self.min_radius > self.max_radius:
            raise ValueError(f"min_radius {self.min_radius} is above max_radius {self.max_radius}")
        return self


class RandomSearchConfig(StrategyConfig):
    """Samples from the model's prior, which have no settings of their own."""


class EvolutionConfig(StrategyConfig):
    """Evolution by graph edits: the best molecules so far are crossed and mutated, without a surrogate."""

    population_size: Count = 500
    """Parents are drawn from so many of the best molecules so far."""
    rank_fraction: Positive = 0.01
    """Parents are drawn with weights of 1 / (rank + this * parents), the best having rank 0; added is 1 at least."""
    crossover_fraction: Fraction = 0.9
    """Fraction of the children that come from two parents; the others are mutated copies of one."""
    mutation_fraction: Fraction = 0.1
    """Fraction of the crossed children that are mutated as well."""
    max_atoms: Count = 60
    """Most heavy atoms of a child."""


class GradientSearchConfig(StrategyConfig):
    """Gradient ascent, from the codes of the best molecules so far, of a network that predicts scores from codes."""

    n_incumbents: Count = 100
    """Ascents start from the codes of so many of the best molecules so far."""
    rank_offset: Positive = 5.0
    """Incumbents are drawn with weights of 1 / (rank + offset), the best having rank 0."""
    radius: NonNegative = 0.1
    """Standard deviation of the noise around an incumbent's code, where an ascent starts; codes are standardised."""
    ascents_per_call: Count = 4
    """Ascents for each molecule that is wanted; those of the highest predictions are scored."""
    max_ascent_steps: Count = 20
    """Largest number of steps of an ascent; each has a random number of them."""
    step_length: Positive = 0.1
    """Length of a step between standardised codes."""
    hidden: Count = 128
    """Units of each of the network's two hidden layers."""
    n_steps: Count = 100
    """Training steps in a round."""
    batch_size: Count = 256
    """Molecules in a training step."""
    learning_rate: Positive = 1.0e-3
    """Learning rate (AdamW)."""


class TrustRegionSearchConfig(StrategyConfig):
    """Bayesian optimisation within a trust region of the latent space; needs the extra `botorch`."""

    initial_length: Positive = 0.4
    """Side of the region at first, in units of eight standard deviations of the start molecules' codes."""
    min_length: Positive = 0.1
    """A region that would become smaller begins anew with its first size."""
    max_length: Positive = 1.6
    """Largest side of the region."""
    success_tolerance: Count = 3
    """Rounds in a row that improve the best score, after which the region grows to twice its side."""
    failure_tolerance: Count = 4
    """Rounds in a row that do not, after which it shrinks to half."""
    n_candidates: Count = 1000
    """Points of the region from which Thompson sampling chooses."""
    samples_per_call: Count = 3
    """Points that are decoded for each molecule that is wanted, because several may decode to the same molecule."""
    min_points: Annotated[int, Field(ge=2)] = 300
    """The Gaussian process is fitted to the scored molecules in the region, or to so many of the nearest ones."""
    max_points: Annotated[int, Field(ge=2)] = 500
    """Most molecules that it is fitted to; its cost grows with the cube of their number."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        for least, most in (
            ("min_length", "initial_length"),
            ("initial_length", "max_length"),
            ("min_points", "max_points"),
        ):
            if getattr(self, least) > getattr(self, most):
                raise ValueError(f"{least} {getattr(self, least)} is above {most} {getattr(self, most)}")
        return self


class OptimizeConfig(Section):
    """Search for molecules that an objective scores high, within a budget of oracle calls."""

    objectives: list[str] = Field(default=["workflow/config/objectives/demo.yaml"])
    """Objectives to optimise: YAML files, or names of built-in ones."""
    strategy: str = Field(default="latent", validate_default=True)
    """How molecules are proposed; the section of this name has the settings of the strategy."""
    latent: LatentSearchConfig = LatentSearchConfig()
    """Settings of `strategy: latent`, a search around the best molecules so far."""
    random: RandomSearchConfig = RandomSearchConfig()
    """Settings of `strategy: random`, the baseline: samples from the prior."""
    evolution: EvolutionConfig = EvolutionConfig()
    """Settings of `strategy: evolution`, graph edits of the best molecules without a surrogate."""
    gradient: GradientSearchConfig = GradientSearchConfig()
    """Settings of `strategy: gradient`, ascent of a predicted score in the latent space."""
    trust_region: TrustRegionSearchConfig = TrustRegionSearchConfig()
    """Settings of `strategy: trust_region`, Bayesian optimisation in the latent space with BoTorch."""
    budget: Count = 2000
    """Oracle calls: distinct valid molecules that are scored."""
    batch_size: Count = 100
    """Molecules proposed and scored in a round."""
    start: Literal["best", "random"] = "best"
    """Which training molecules a search starts from: the best ones, which are scored outside the budget, or random
    ones, which take at most half of it. With a user's own function or program they are always random."""
    n_start: Annotated[int, Field(ge=0)] = 400
    """Training molecules that a search starts from."""
    executor: Literal["processes", "dask"] = "processes"
    """Where molecules are scored: in processes on this machine, or by the workers of a dask scheduler."""
    scheduler: str | None = None
    """Address of the scheduler for `executor: dask`, for example tcp://10.0.0.1:8786."""
    cache: Path | None = None
    """File in which searches share scores, made if it is not there; a score from it is still a call of the budget."""
    max_empty_rounds: Count = 10
    """Rounds in a row without a new molecule after which the search ends before its budget is spent."""
    n_candidates: Count = 50
    """Most molecules that are proposed as candidates: the best new ones that satisfy the constraints."""
    max_per_scaffold: Count | None = None
    """Molecules of one Bemis-Murcko scaffold after which the search counts a further one as a tenth, so that it does
    not end in one series; scores in the results stay as they are. By default it does not."""
    compare_training: bool | None = None
    """Whether the training set is also scored, outside the budget, for comparison; by default unless that calls a
    user's own function or program."""
    baseline: bool | None = None
    """Whether the workflow also spends the same budget on random samples, for comparison; by default unless that calls
    a user's own function or program."""
    seeds: list[Annotated[int, Field(ge=0)]] = Field(default=[])
    """Seeds with which the workflow runs each search, for the spread of its results; the run's own seed is always one
    of them."""

    @model_validator(mode="after")
    def _has_scheduler(self) -> Self:
        if (self.executor == "dask") != (self.scheduler is not None):
            found = "none" if self.scheduler is None else f"{self.scheduler} with executor {self.executor}"
            raise ValueError(f"scheduler: expected an address with executor: dask, and only then, found {found}")
        return self

    @field_validator("strategy")
    @classmethod
    def _known_strategy(cls, name: str) -> str:
        if name not in cls.strategies():
            raise ValueError(f"expected one of {', '.join(cls.strategies())}, found {name!r}")
        return name

    @classmethod
    def strategies(cls) -> list[str]:
        """Return the names of the strategies, each of which has a section."""
        kinds = ((name, field.annotation) for name, field in cls.model_fields.items())
        return [name for name, kind in kinds if isinstance(kind, type) and issubclass(kind, StrategyConfig)]

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        schema = handler.resolve_ref_schema(handler(core_schema))
        schema["properties"]["strategy"]["enum"] = cls.strategies()
        return schema

    def has_baseline(self, *, is_external: bool) -> bool:
        """Say whether random samples are scored as well, by an objective that calls a user's own program or not."""
        return not is_external if self.baseline is None else self.baseline

    @property
    def strategy_settings(self) -> StrategyConfig:
        """The section of the chosen strategy."""
        settings: StrategyConfig = getattr(self, self.strategy)
        return settings
