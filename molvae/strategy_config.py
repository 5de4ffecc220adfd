"""The settings of the optimize stage, with a section for each search strategy."""

from typing import Annotated

from pydantic import Field, GetJsonSchemaHandler, field_validator, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from molvae.section import Count, Fraction, Positive, Section


class StrategyConfig(Section):
    """Base of the sections of strategies, by which `OptimizeConfig` knows the names of the strategies."""


class RefitConfig(Section):
    """How the `latent` search trains its copy of the model a little further on the best molecules, now and then."""

    n_steps: Annotated[int, Field(ge=0)] = 6
    """Training steps each time; 0 leaves the model as it is."""
    min_calls: Count = 100
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
    kernel: int = -1


class LatentSearchConfig(StrategyConfig):
    """Bayesian optimisation over molecules that are bred by graph edits and decoded from around the best ones."""

    min_batch: Count = 10
    """Fewest molecules in a round, unless the stage asks for fewer."""
    batch_growth: Fraction = 0.01
    """Molecules in a round as a fraction of the calls so far; at most what the stage asks for."""
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
    n_fresh: Count = 500
    """Fresh molecules: half are known ones, if there are any, the others samples of the model."""
    pool_size: Count = 1000
    """Unscored molecules that are kept from round to round."""
    n_perturbed: Annotated[int, Field(ge=0)] = 32
    """Molecules that are decoded in a round from perturbed codes of the best ones."""
    n_interpolated: Annotated[int, Field(ge=0)] = 16
    """Molecules that are decoded in a round from between the codes of two of the best ones."""
    n_sampled: Annotated[int, Field(ge=0)] = 32
    """Molecules that are sampled in a round from the decoder unconditionally."""
    min_radius: Positive = 0.1
    """Smallest standard deviation of the noise around a code: near copies."""
    max_radius: Positive = 0.6
    """Largest standard deviation of the noise around a code: other scaffolds."""
    mutation_fraction: Fraction = 0.1
    """Fraction of a batch that are mutations of good molecules that the surrogate has no say in."""
    n_elite: Count = 10
    """Good molecules, far from each other, from which these mutations are made."""
    elite_similarity: Fraction = 0.4
    """Largest Tanimoto similarity (ECFP4) among them."""
    max_similarity: Fraction = 0.7
    """Largest Tanimoto similarity (ECFP4) within a batch; 1 for no limit."""
    max_beta: Positive = 1.0
    """Largest weight of the standard deviation in the upper confidence bound; its logarithm is drawn uniformly, down to
    a hundredth of this."""
    explore_until: Fraction = 0.5
    """Fraction of the budget after which that weight is 0."""
    max_heavy_atoms: Count = 60
    """Most heavy atoms of a proposed molecule."""
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
    budget: Count = 2000
    """Oracle calls: distinct valid molecules that are scored."""
    batch_size: Count = 100
    """Molecules proposed and scored in a round."""
    n_start: Annotated[int, Field(ge=0)] = 400
    """Training molecules that are scored first, within the budget, of which they take at most half."""
    max_empty_rounds: Count = 10
    """Rounds in a row without a new molecule after which the search ends before its budget is spent."""
    n_candidates: Count = 50
    """Most molecules that are proposed as candidates: the best new ones that satisfy the constraints."""
    compare_training: bool = True
    """Whether the training set is also scored, outside the budget, for comparison: not for a slow objective."""
    baseline: bool = True
    """Whether the workflow also spends the same budget on random samples, for comparison."""

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

    @property
    def strategy_settings(self) -> StrategyConfig:
        """The section of the chosen strategy."""
        settings: StrategyConfig = getattr(self, self.strategy)
        return settings
