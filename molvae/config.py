"""Every setting of a run: name, type, default, range, unit and purpose.

This module, with the settings of the search in `molvae.strategy_config`, is the only home of defaults. The workflow's
JSON Schema is made from these models (`python -m molvae.config FILE`), and the command line reads its settings through
them.
"""

import json
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, ValidationError, model_validator

from molvae.errors import ConfigError, DataError
from molvae.sampling import SamplingParams
from molvae.section import Count, Fraction, Name, NonNegative, Positive, Section
from molvae.strategy_config import EvolutionConfig as EvolutionConfig
from molvae.strategy_config import GradientSearchConfig as GradientSearchConfig
from molvae.strategy_config import LatentSearchConfig as LatentSearchConfig
from molvae.strategy_config import LineageConfig as LineageConfig
from molvae.strategy_config import OptimizeConfig as OptimizeConfig
from molvae.strategy_config import RandomSearchConfig as RandomSearchConfig
from molvae.strategy_config import RefitConfig as RefitConfig
from molvae.strategy_config import SurrogateConfig as SurrogateConfig
from molvae.strategy_config import TrustRegionSearchConfig as TrustRegionSearchConfig
from molvae.untrusted import parse_yaml, read_utf8
from molvae.validation import explain

# Each costs time to make, whatever the size of its weights.
Layers = Annotated[int, Field(ge=1, le=64)]
PriorName = Literal["normal", "gaussian_mixture", "flow", "decoder"]


class StandardiseConfig(Section):
    """How molecules are standardised; stored with a trained model, which standardises its input in the same way."""

    drop_isotopes: bool = True
    """Drop isotopes and atom numbers."""
    disconnect_metals: bool = True
    """Cut the bonds to the metals of salts; a metal complex is rejected."""
    normalise: bool = True
    """Normalise functional groups and reionise, by the rules of RDKit's MolStandardize."""
    largest_fragment: bool = True
    """Keep the largest fragment only, which strips salts and solvents."""
    neutralise: bool = True
    """Neutralise charges by adding or removing protons."""
    canonical_tautomer: bool = False
    """Replace each molecule by RDKit's canonical tautomer; about twenty times slower."""
    stereo: Literal["keep", "drop", "enumerate"] = "keep"
    """How to treat stereochemistry; `enumerate` replaces a molecule by the stereoisomers that it leaves undefined."""
    selfies_constraints: Literal["default", "octet_rule", "hypervalent"] | dict[str, Annotated[int, Field(ge=0)]] = (
        "default"
    )
    """Bonding constraints of SELFIES: a preset of the library by name, or a table such as {C: 4, N+1: 4, "?": 8}."""


class PrepareConfig(StandardiseConfig):
    """Molecule files in; standardised, filtered, split molecules with SELFIES out."""

    input: list[str] = Field(default=["data/demo.smi.gz"], min_length=1)
    """Molecule files (.smi .csv .tsv .sdf .parquet, also .gz .bz2 .zst) or patterns such as `lib/*.smi`, in order."""
    test_input: str | None = None
    """A separate file of test molecules; without one, `test_fraction` of the input is held out."""
    smiles_column: str | None = None
    """Column with the SMILES, in files that have columns; detected by its usual names by default."""
    id_column: str | None = None
    """Column with the molecules' names; detected by its usual names by default. Without one, names are made of file and
    line."""
    properties: dict[str, str] = Field(default={})
    """Columns with measured values to keep, each with its unit, such as {pIC50: "-log10 M"}."""
    repeats: Literal["mean", "median", "first"] = "mean"
    """How to merge the measured values of a molecule that occurs in several rows."""
    enhanced_stereo: Literal["open", "reject"] = "open"
    """Racemates and unknown enantiomers (`and` and `or` groups): leave their centres undefined, or reject the row."""
    elements: list[str] = Field(default=["B", "C", "N", "O", "F", "Si", "P", "S", "Cl", "Se", "Br", "I"])
    """Allowed elements, besides hydrogen."""
    min_heavy_atoms: Count = 3
    """Minimum number of heavy atoms."""
    max_heavy_atoms: Count = 60
    """Maximum number of heavy atoms."""
    min_mol_weight: NonNegative = 0.0
    """Minimum average molecular weight, in Da."""
    max_mol_weight: Positive | None = None
    """Maximum average molecular weight, in Da; unbounded by default."""
    max_ring_size: Annotated[int, Field(ge=3)] | None = None
    """Maximum size of a ring (of RDKit's symmetrised set of smallest rings); unbounded by default."""
    max_charge: Annotated[int, Field(ge=0)] | None = None
    """Maximum absolute net charge; unbounded by default."""
    filters: list[Literal["PAINS", "BRENK", "NIH", "MCF", "MOSES"]] = Field(default=[])
    """Structural alerts that reject a molecule: RDKit's catalogues, MCF, or all filters of MOSES."""
    max_stereoisomers: Count = 8
    """Maximum number of stereoisomers of a row with `stereo: enumerate`."""
    max_selfies_length: Count = 100
    """Maximum number of SELFIES tokens."""
    min_token_molecules: Count = 1
    """Molecules with a SELFIES token that occurs in fewer molecules than this are rejected: it cannot be learned."""
    time_limit_s: Positive = 30.0
    """Maximum time for a molecule, in seconds, after which it is rejected as too slow."""
    split: Literal["random", "scaffold", "column"] = "random"
    """How molecules are held out: at random, by Bemis-Murcko scaffold, or as given in `split_column`."""
    split_column: str | None = None
    """Column that contains train, validation or test, for `split: column`."""
    validation_fraction: Fraction = 0.05
    """Fraction of the input held out for validation, which is used for early stopping and to choose the prior."""
    test_fraction: Fraction = 0.05
    """Fraction of the input held out for the test split; ignored with `test_input`."""
    max_rejected: Fraction = 0.2
    """Maximum fraction of rejected rows, above which the stage stops."""
    shards: Count = 1
    """Number of jobs that the workflow splits the work into; results do not depend on it."""

    @model_validator(mode="after")
    def _spans(self) -> "PrepareConfig":
        if self.min_heavy_atoms > self.max_heavy_atoms:
            raise ValueError(f"min_heavy_atoms {self.min_heavy_atoms} is above max_heavy_atoms {self.max_heavy_atoms}")
        if self.max_mol_weight is not None and self.min_mol_weight > self.max_mol_weight:
            raise ValueError(f"min_mol_weight {self.min_mol_weight} is above max_mol_weight {self.max_mol_weight}")
        if self.validation_fraction + self.test_fraction >= 1.0:
            raise ValueError("validation_fraction + test_fraction must leave molecules to train on (below 1)")
        if (self.split == "column") != (self.split_column is not None):
            raise ValueError("split_column: expected a column's name with split: column, and none otherwise")
        return self


class ModelConfig(Section):
    """The architecture of the VAE, as it is also stored with a trained model."""

    cell: Literal["gru", "lstm"] = "gru"
    """Recurrent cell of encoder and decoder."""
    bidirectional: bool = True
    """Whether the encoder reads in both directions."""
    embedding_dim: Count = 64
    """Size of a token's embedding."""
    encoder_hidden: Count = 192
    """Size of the encoder's hidden state, in each direction."""
    encoder_layers: Layers = 1
    """Recurrent layers of the encoder."""
    decoder_hidden: Count = 320
    """Size of the decoder's hidden state."""
    decoder_layers: Layers = 1
    """Recurrent layers of the decoder."""
    latent_dim: Annotated[int, Field(ge=2)] = 64
    """Size of the latent code z."""
    dropout: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    """Dropout between recurrent layers and before the heads, in training."""
    activation: Literal["tanh", "relu", "gelu", "silu"] = "tanh"
    """Activation of the dense heads."""


class TrainConfig(ModelConfig):
    """Training of the VAE and choice of its prior. The loss is in nats per molecule."""

    init_from: str | None = None
    """Model to train further, whose architecture is kept: its folder, or the name of one that comes with molvae."""
    replay: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.8
    """Fraction of the training molecules that the model of `init_from` generates itself, to prevent forgetting."""
    start_weight: Fraction = 0.0
    """Weight of the parameters of `init_from` in the mean with the trained ones that is the outcome: it keeps what the
    model was good at before. What it lacks, new tokens and a new property head, is not averaged. Wortsman et al., CVPR
    2022, arXiv:2109.01903."""
    kl_weight: NonNegative = 0.05
    """Final weight (beta) of the KL term, summed over dimensions, against the cross-entropy summed over tokens."""
    kl_schedule: Literal["constant", "linear", "sigmoid", "cyclical"] = "linear"
    """Schedule by which the KL weight rises to its final value."""
    kl_warmup: Fraction = 0.2
    """Fraction of all steps in which the KL weight rises (linear, sigmoid), or the length of a cycle (cyclical)."""
    free_bits: NonNegative = 0.0
    """Nats of KL in each latent dimension that are free."""
    z_l2: NonNegative = 0.0
    """Weight of the squared norm of z in the loss."""
    code_dropout: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.25
    """Fraction of the molecules whose code is replaced by zero in training, so that the decoder learns to generate
    unconditionally: the `decoder` prior."""
    property_head: dict[str, Positive] = Field(default={})
    """Properties to predict from z, each with its weight, such as {pIC50: 5, logp: 1}: measured columns, or computed
    ones by name. A weight is the loss, in nats, of half a squared error in units of the standard deviation."""
    randomised_input: Fraction = 0.0
    """Fraction of the molecules of which the encoder reads a randomised SMILES; the canonical one is decoded."""
    word_dropout: Fraction = 0.0
    """Fraction of the decoder's input tokens that are dropped in training."""
    epochs: Count = 10
    """Maximum number of passes over the training molecules."""
    batch_size: Count = 128
    """Molecules of a training step."""
    learning_rate: Positive = 3.0e-3
    """Peak learning rate (Muon for the matrices, AdamW for the rest)."""
    learning_rate_end: Fraction = 0.02
    """Learning rate of the last step as a fraction of the peak (cosine decay)."""
    warmup_steps: Annotated[int, Field(ge=0)] = 200
    """Steps in which the learning rate rises from zero to its peak; at most a tenth of all steps."""
    weight_decay: NonNegative = 0.0
    """Decoupled weight decay, for the matrices and the rest alike."""
    gradient_clip: Positive = 1.0
    """Maximum norm of the gradient."""
    max_minutes: Positive | None = None
    """Minutes after which no further epoch is begun that would probably end later; unbounded by default. The first
    epoch is always trained, and how many follow depends on the machine."""
    patience: Count = 5
    """Epochs without a lower validation loss after which training stops early."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Number format of the recurrent products; `auto` takes bfloat16 where it is faster. It is refused on a
    CUDA GPU, whose recurrent layers would compute in float16 instead."""
    checkpoint_every_s: Positive = 60.0
    """Seconds between checkpoints, from which an interrupted training resumes."""
    priors: list[PriorName] = Field(default=["normal", "gaussian_mixture", "decoder"], min_length=1)
    """Priors to try after training; the one with the lowest validation FCD becomes the default."""
    prior_components: Count = 16
    """Components of the `gaussian_mixture` prior."""
    flow_width: Count = 512
    """Size of the hidden layers of the `flow` prior."""
    flow_steps: Count = 3000
    """Training steps of the `flow` prior, of 512 codes each."""
    prior_samples: Annotated[int, Field(ge=2)] = 1500
    """Samples for the validation FCD of each prior that can still have the lowest one after 400 samples (FCD falls with
    this number: compare only values from equally large sets)."""
    min_probabilities: list[Annotated[float, Field(ge=0.0, lt=1.0)]] = Field(default=[0.0, 0.02, 0.05], min_length=1)
    """Values of `sample.min_probability` to try with each prior; a higher one is more conservative."""
    rejected_fractions: list[Annotated[float, Field(ge=0.0, le=0.9)]] = Field(default=[0.0, 0.1, 0.2], min_length=1)
    """Fractions of the sequences, those of the highest negative log-likelihood, to reject; tried with each prior."""
    corrections: list[Positive] = Field(default=[])
    """Values of `sample.correction` to try with the best prior, in place of a fraction to reject. Without any there is
    no discriminator: it makes samples more like the training molecules, but sampling takes several times as long."""
    discriminator_samples: Count = 10_000
    """Samples, and as many training molecules, that the discriminator is fitted to at most."""

    def architecture(self) -> ModelConfig:
        """Return the settings of the architecture alone."""
        return ModelConfig.model_validate(self.model_dump(include=set(ModelConfig.model_fields)))


class EvaluateConfig(Section):
    """What is measured on held-out molecules."""

    n_reconstruct: Annotated[int, Field(ge=2)] = 5000
    """Most test molecules to reconstruct."""
    n_samples: Annotated[int, Field(ge=2)] = 5000
    """Samples from each prior, for validity, uniqueness, novelty and FCD."""
    n_latent: Annotated[int, Field(ge=2)] = 2000
    """Most validation molecules whose codes are decoded again: as posterior samples, as midpoints, and around them."""
    n_reference: Annotated[int, Field(ge=2)] | None = None
    """Most test molecules that generated ones are compared with; all by default. With the number of `score.n_reference`
    they are described once."""
    n_map: Annotated[int, Field(ge=3)] = 2000
    """Training molecules, test molecules and samples, a third each, on the two-dimensional map of the latent space."""


class SampleConfig(Section):
    """New molecules from the model's prior."""

    n: Annotated[int, Field(ge=1, le=1_000_000_000)] = 10_000
    """Number of molecules to sample."""
    prior: Literal["best", PriorName] = "best"
    """Prior to sample from; `best` is the one chosen in training."""
    temperature: Positive = 1.0
    """Token temperature; below 1, samples are less diverse and more like the training molecules."""
    min_probability: Annotated[float, Field(ge=0.0, lt=1.0)] | None = None
    """Probability below which tokens are not sampled; by default the one chosen with the prior."""
    max_nll: Annotated[float, Field(gt=0.0, allow_inf_nan=False)] | None = None
    """Sequences of a higher negative log-likelihood, in nats, are rejected and sampled again; by default the bound
    chosen with the prior. 1e6 keeps all."""
    prior_temperature: Positive = 1.0
    """Scale of the prior's Gaussian noise; without effect on the `decoder` prior, which has none."""
    correction: NonNegative | None = None
    """Power of the density ratio, by the model's discriminator, in proportion to which molecules are accepted: a larger
    one makes them more like the training molecules, and takes longer; by default the one chosen with the prior."""

    def params(self, chosen: SamplingParams) -> SamplingParams:
        """Return the parameters chosen in training with those that are set here in their place."""
        names = {field.name for field in fields(SamplingParams)} & set(SampleConfig.model_fields)
        return replace(chosen, **self.model_dump(include=names, exclude_none=True))


class ScoreConfig(Section):
    """Metrics of generated molecules against reference splits, by the MOSES definitions."""

    n_reference: Count | None = None
    """Most molecules of each test set, and of the training molecules in GuacaMol's metrics, to compare with; all by
    default. Fewer are quicker to describe, and the values then have a larger error."""


class ProposeConfig(Section):
    """The next plate; the workflow proposes one where `measured` or `pool` is set."""

    measured: str | None = None
    """Table of what was measured so far; without it, the plate is diverse."""
    column: str | None = None
    """Its column with the measured values; without it, the score of `objective` is what is measured, whose terms have
    the values of the columns of their names."""
    smiles_column: str | None = None
    """Its column with the SMILES; found by its usual names by default."""
    minimise: bool = False
    """Whether lower values are better."""
    pool: str | None = None
    """Molecule file to choose from, of any length; by default the model invents molecules."""
    pool_smiles_column: str | None = None
    """Its column with the SMILES; found by its usual names by default."""
    n: Count = 96
    """Molecules on the plate."""
    objective: str | None = None
    """Objective, a file or a built-in name, whose constraints every proposed molecule satisfies, and whose score is
    predicted where no column is named."""

    @property
    def is_wanted(self) -> bool:
        """Whether the workflow proposes a plate."""
        return self.measured is not None or self.pool is not None

    @model_validator(mode="after")
    def _table_with_column(self) -> "ProposeConfig":
        if self.measured is None and self.column is not None:
            raise ValueError("expected measured, the table that the column is in, found only column")
        if self.measured is not None and self.column is None and self.objective is None:
            raise ValueError("expected measured with column, or with an objective, found only measured")
        if self.measured is not None and self.column is None and self.minimise:
            raise ValueError("expected minimise with column, since a score is maximised, found it without")
        if self.measured is None and (self.smiles_column is not None or self.minimise):
            name = "minimise" if self.smiles_column is None else "smiles_column"
            raise ValueError(f"expected {name} with measured, the table that it is about, found it without")
        if self.pool is None and self.pool_smiles_column is not None:
            raise ValueError("expected pool_smiles_column with pool, whose column it is, found it without")
        return self


class ReportConfig(Section):
    """The HTML page."""

    title: str = "Molecules from a sequence VAE"
    """Heading of the page."""
    n_molecules: Count = 48
    """Molecules in the grid of samples."""
    n_reconstructions: Count = 12
    """Reconstruction examples."""


class RunConfig(Section):
    """One run of the workflow."""

    run: Name = "demo"
    """Name of the run: its results are under results/<run>/."""
    seed: Annotated[int, Field(ge=0)] = 1
    """The seed from which every random choice of the run follows."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where to compute; `auto` takes a CUDA GPU if there is one."""
    prepare: PrepareConfig = PrepareConfig()
    train: TrainConfig = TrainConfig()
    evaluate: EvaluateConfig = EvaluateConfig()
    sample: SampleConfig = SampleConfig()
    optimize: OptimizeConfig = OptimizeConfig()
    score: ScoreConfig = ScoreConfig()
    propose: ProposeConfig = ProposeConfig()
    report: ReportConfig = ReportConfig()

    @model_validator(mode="after")
    def _prior_to_sample_from(self) -> "RunConfig":
        # A job that samples is handed its own section, with a model that may have been trained by other settings.
        if "train" not in self.model_fields_set:
            return self
        wanted, tried = self.sample.prior, self.train.priors
        if wanted != "best" and wanted not in tried:
            raise ValueError(f"sample.prior: expected best or one of train.priors ({', '.join(tried)}), found {wanted}")
        if wanted == "decoder" and self.train.code_dropout == 0.0:
            raise ValueError("sample.prior: expected train.code_dropout above 0 for decoder, found 0")
        return self


WHOLE_RUN = ("run", "seed", "device")
"""The settings that belong to no stage: every stage gets them with its own section."""


def load_config(file: Path | None = None, overrides: Sequence[str] = ()) -> RunConfig:
    """Read settings from a YAML file and `section.key=value` overrides, with defaults for all others.

    Raises:
        ConfigError: If a key is unknown, a value impossible, or the file is not a YAML mapping.
    """
    content: dict[str, Any] = {}
    if file is not None:
        try:
            loaded = parse_yaml(read_utf8(file))
        except (DataError, UnicodeDecodeError, yaml.YAMLError) as error:
            reason = " ".join(str(error).split())
            raise ConfigError(f"{file}: expected a YAML file of settings, found something else ({reason})") from error
        if not isinstance(loaded, dict | None):
            raise ConfigError(f"{file}: expected a mapping of sections, found {type(loaded).__name__}")
        content = loaded or {}
    for override in overrides:
        _apply(content, override)
    return parse_config(content, str(file or "--set"))


def parse_config(content: dict[str, Any], where: str) -> RunConfig:
    """Check settings and fill in defaults.

    Raises:
        ConfigError: One line that names each wrong setting, its value, and what would be right.
    """
    try:
        return RunConfig.model_validate(content)
    except ValidationError as error:
        faults = "; ".join(explain(RunConfig, details) for details in error.errors())
        raise ConfigError(f"{faults} ({where})") from error


def _apply(content: dict[str, Any], override: str) -> None:
    path, equals, text = override.partition("=")
    if not equals or not path:
        raise ConfigError(f"--set: expected section.key=value, found {override!r}")
    *sections, key = path.split(".")
    target = content
    for section in sections:
        target = target.setdefault(section, {})
        if not isinstance(target, dict):
            raise ConfigError(f"--set {override}: {section} is a value, not a section")
    try:
        target[key] = parse_yaml(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"--set {override}: expected a YAML value after '=', found {text!r}") from error


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a run's configuration."""
    return RunConfig.model_json_schema()


if __name__ == "__main__":
    import sys

    Path(sys.argv[1]).write_text(json.dumps(json_schema(), indent=2) + "\n", encoding="utf-8")
