"""The tables that stages hand to one another: file name, columns, types and meaning, each in one place.

Writers take the names of columns from here, and readers read through `TableSchema.read`, which names the columns that
are missing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd

from molvae.files import read_blocks, read_table

DType = Literal["str", "bool", "int64", "Int64", "float64"]
"""Types as pandas names them; `Int64` may have missing values, and so may `str` and `float64`."""

MEASURED = "property."
"""Prefix of the columns of measured properties in molecules.parquet, before the name of the property."""
N_VALUES = "n_values."
"""Prefix of the numbers of values that those were merged from."""
STANDARD_DEVIATION = "sd."
"""Prefix of the standard deviations of such values."""
CENSORED = "censored."
"""Prefix of the values that are bounds, such as `>10`, as text."""
TERM = "term."
"""Prefix of the columns of an objective's terms, before the name of the term."""
DESIRABILITY = "desirability."
"""Prefix of the columns of their desirabilities."""
TARGET_MET = 0.99
"""Desirability from which on a term counts as a target that is met: its value is as desired, up to rounding."""
CONSTRAINT = "constraint."
"""Prefix of the columns of an objective's constraints, before the name of the constraint."""
CHANGE = "change."
"""Prefix of the changes from the lead, before the name of a term or property."""
PREDICTED, LOW, HIGH, IN_DOMAIN = "predicted.", "low.", "high.", "in_domain."
"""Prefixes of the columns with the prediction of a learned term, its interval and its domain, before its name."""
NEAREST, NEAREST_VALUE, NEAREST_SIMILARITY = "nearest.", "nearest_value.", "nearest_similarity."
"""Prefixes of the columns with the nearest measured molecule of a learned term."""


@dataclass(frozen=True)
class Column:
    """A column, or all columns whose names begin with `name`, where it is one of `TableSchema.prefixes`."""

    name: str
    dtype: DType
    meaning: str
    optional: bool = False
    """Whether some settings leave it out, or it is missing in tables of earlier versions."""


@dataclass(frozen=True)
class TableSchema:
    """What a table between stages looks like.

    Attributes:
        file: Its file name; the ending is its format.
        columns: The columns, in order.
        prefixes: Further columns, whose names begin with these prefixes.
        has_descriptors: Whether there are also float64 columns named as in `molvae.chem.descriptors.PROPERTIES`.
    """

    file: str
    columns: tuple[Column, ...]
    prefixes: tuple[Column, ...] = ()
    has_descriptors: bool = False

    @property
    def names(self) -> list[str]:
        """The names of the columns, those that are optional too."""
        return [column.name for column in self.columns]

    @property
    def required(self) -> list[str]:
        """The names of the columns that every such table has."""
        return [column.name for column in self.columns if not column.optional]

    def read(self, path: Path, columns: Sequence[str] = ()) -> pd.DataFrame:
        """Read some columns, or the whole table, which must then have all required ones.

        Raises:
            DataError: If the file is missing, not such a table, or lacks a column; the message names the column.
        """
        texts = [column.name for column in self.columns if column.dtype == "str"]
        return read_table(path, list(columns), required=() if columns else self.required, texts=texts)

    def read_blocks(self, path: Path, columns: Sequence[str] = ()) -> Iterator[pd.DataFrame]:
        """Read some columns, by default the required ones, block by block; see `molvae.files.read_blocks`."""
        return read_blocks(path, list(columns) or self.required)

    def column(self, name: str) -> Column | None:
        """Return what a column of that name holds, or None for a name that is not of this table."""
        if name in self.names:
            return self.columns[self.names.index(name)]
        return next((prefix for prefix in self.prefixes if name.startswith(prefix.name)), None)


MOLECULES = TableSchema(
    "molecules.parquet",
    (
        Column("id", "str", "The molecule's name, from the file or made of its source and line."),
        Column("smiles", "str", "Canonical SMILES of the standard form; no molecule occurs twice."),
        Column("selfies", "str", "Its SELFIES."),
        Column("split", "str", "`train`, `validation` or `test`."),
    ),
    (
        Column(MEASURED, "float64", "A measured property, in the unit given in the settings."),
        Column(N_VALUES, "int64", "The number of rows whose values of that property were merged."),
        Column(STANDARD_DEVIATION, "float64", "The sample standard deviation of several such values."),
        Column(CENSORED, "str", "Its values that are bounds, such as `>10`, joined by `; `."),
    ),
)
"""The prepared molecules."""

REJECTED = TableSchema(
    "rejected.csv",
    (
        Column("source", "str", "Path of the molecule file."),
        Column("line", "int64", "Line of the row, from 1."),
        Column("input", "str", "What the row has as SMILES."),
        Column("reason", "str", "One of `molvae.prepare.convert.Reason`."),
        Column("detail", "str", "What is wrong with it."),
        Column("id", "str", "Name of the row, from the file or made of its source and line.", optional=True),
    ),
)
"""The rows that are not among the prepared molecules."""

HISTORY = TableSchema(
    "history.csv",
    (
        Column("epoch", "int64", "Number of the epoch, from 1."),
        Column("step", "int64", "Steps done at its end."),
        Column("learning_rate", "float64", "Learning rate of its last step."),
        Column("kl_weight", "float64", "KL weight of its last step."),
        Column("train_reconstruction_nats", "float64", "Cross-entropy given the code, per training molecule."),
        Column("train_kl_nats", "float64", "KL divergence per training molecule."),
        Column("train_unconditional_nats", "float64", "Cross-entropy with the code set to zero; NaN if that is never."),
        Column("train_property_nats", "float64", "Property loss per training molecule.", optional=True),
        Column("validation_reconstruction_nats", "float64", "Cross-entropy given the posterior mean."),
        Column("validation_kl_nats", "float64", "KL divergence per validation molecule."),
        Column("validation_unconditional_nats", "float64", "Cross-entropy with the code set to zero."),
        Column("validation_property_nats", "float64", "Property loss per validation molecule.", optional=True),
        Column("validation_token_accuracy", "float64", "Fraction of tokens predicted correctly, teacher-forced."),
        Column("validation_loss", "float64", "The loss that early stopping watches."),
        Column("seconds", "float64", "Wall-clock time of the epoch."),
    ),
)
"""The learning curves, a row an epoch."""

SAMPLE_LAYER, CANDIDATE_LAYER, PATH_LAYER, REFERENCE_LAYER = "sample", "candidate", "search_path", "reference"
"""Layers of the map of the latent space, besides the splits."""

LATENT_MAP = TableSchema(
    "latent_map.parquet",
    (
        Column("id", "str", "The molecule's name."),
        Column("smiles", "str", "Canonical SMILES."),
        Column("split", "str", "`train`, `test` or `sample`; of a search `candidate`, `search_path` or `reference`."),
        Column("x", "float64", "First principal component of the posterior means of training molecules."),
        Column("y", "float64", "Second principal component."),
    ),
    has_descriptors=True,
)
"""Molecules in two dimensions of the latent space: of the evaluation, and of each search."""

RECONSTRUCTIONS = TableSchema(
    "reconstructions.csv",
    (
        Column("smiles", "str", "Canonical SMILES of a test molecule."),
        Column("decoded", "str", "What its posterior mean decodes to; empty if that is not a molecule."),
        Column("exact", "bool", "Whether the two are the same."),
        Column("similarity", "float64", "Tanimoto similarity of the two, ECFP4 (2,048 bits)."),
    ),
)
"""Test molecules, encoded and decoded."""

SAMPLES = TableSchema("samples.csv", (Column("smiles", "str", "A sample; empty if it is not a molecule."),))
"""Molecules sampled from the prior, in the order of sampling."""

_PARTS = (
    Column(TERM, "float64", "Raw value of a term of the objective."),
    Column(CONSTRAINT, "float64", "Raw value of a constraint: of a property, or 1 and 0 for what holds or does not."),
)

TRACE = TableSchema(
    "trace.parquet",
    (
        Column("call", "int64", "Number of the oracle call, from 1."),
        Column("round", "int64", "Round of the search, from 0."),
        Column("origin", "str", "How the molecule was proposed."),
        Column("smiles", "str", "Canonical SMILES; no molecule occurs twice."),
        Column("score", "float64", "Its score; NaN if it could not be computed."),
        Column("feasible", "bool", "Whether it satisfies the constraints."),
        Column("status", "str", "`ok` or `failed`."),
        Column(
            "in_training", "bool", "Whether it is a training molecule, the lead, or one without its stereochemistry."
        ),
        Column("violated", "str", "Names of the constraints that it violates, joined by `; `.", optional=True),
    ),
    _PARTS,
)
"""Every oracle call of a search, in order."""

TIMES = TableSchema(
    "times.csv",
    (
        Column("call", "int64", "Number of the oracle call, from 1."),
        Column("seconds", "float64", "Seconds from the start of the search to its score."),
    ),
)
"""When each oracle call was done; apart from the trace, which is the same in every run."""

_NEAREST_SMILES = Column("nearest_train_smiles", "str", "The most similar training molecule.")
_NEAREST_SIMILARITY = Column("nearest_train_similarity", "float64", "Tanimoto similarity to it, ECFP4 (1,024 bits).")

CANDIDATES = TableSchema(
    "candidates.csv",
    (
        Column("rank", "int64", "Rank by score, from 1; with `mean: pareto`, by front and then by score."),
        Column("id", "str", "A name made of its SMILES, the same in every run.", optional=True),
        Column("smiles", "str", "Canonical SMILES."),
        Column("score", "float64", "Its score."),
        Column("call", "int64", "Number of its oracle call."),
        Column("origin", "str", "How it was proposed."),
        _NEAREST_SMILES,
        _NEAREST_SIMILARITY,
        Column("front", "int64", "Number of its front, from 1, with `mean: pareto`.", optional=True),
        Column("cluster", "int64", "Number of its cluster (Butina, ECFP4 of 2,048 bits), from 1.", optional=True),
        Column("suggested", "bool", "Whether it is one of the five to make first.", optional=True),
        Column("targets_met", "int64", "Terms whose value is as desired: desirability of 0.99 or more.", optional=True),
        Column("n_targets", "int64", "Terms of the objective.", optional=True),
        Column("alerts", "str", "Names of its structural alerts, joined by `; `.", optional=True),
        Column("unseen_ring_systems", "str", "Those that no training molecule has, joined by `; `.", optional=True),
        Column(
            "likelihood_percentile",
            "float64",
            "Percentage of held-out molecules that the model finds less likely, per token.",
            optional=True,
        ),
    ),
    (
        *_PARTS,
        Column(DESIRABILITY, "float64", "Desirability of a term's value, in [0, 1]."),
        Column(CHANGE, "float64", "Value of a term or property less that of the lead.", optional=True),
        Column(PREDICTED, "float64", "Predicted value of a learned term, whichever it is scored by.", optional=True),
        Column(LOW, "float64", "Lower end of the 80 % interval of a learned term."),
        Column(HIGH, "float64", "Upper end of that interval."),
        Column(IN_DOMAIN, "bool", "Whether the molecule is in the applicability domain of a learned term."),
        Column(NEAREST, "str", "The nearest measured molecule of a learned term."),
        Column(NEAREST_VALUE, "float64", "The measured value of that molecule."),
        Column(NEAREST_SIMILARITY, "float64", "Tanimoto similarity to it, ECFP4 (2,048 bits)."),
    ),
    has_descriptors=True,
)
"""The molecules that a search proposes, the best first."""

PLATE = TableSchema(
    "plate.csv",
    (
        Column("smiles", "str", "The molecule, as the pool has it."),
        Column("predicted", "float64", "Its predicted value; NaN where too little is measured."),
        Column("low", "float64", "Lower end of the 80 % interval."),
        Column("high", "float64", "Upper end of the 80 % interval."),
        Column("nearest", "str", "The most similar measured molecule."),
        Column("nearest_value", "float64", "Its measured value."),
        Column("why", "str", "Why it is on the plate: `exploit` or `explore`, and the evidence."),
    ),
    (Column("", "str", "A column of the pool."),),
)
"""The molecules that are proposed for the next plate."""

FRONT = TableSchema(
    "front.csv",
    (
        Column("smiles", "str", "Canonical SMILES."),
        Column("score", "float64", "Its score: the geometric mean of the desirabilities."),
        Column("call", "int64", "Number of its oracle call."),
        Column("origin", "str", "How it was proposed."),
        Column("in_training", "bool", "As in the trace."),
        Column("knee", "bool", "Whether it is the suggested compromise: the one row where it is true."),
    ),
    (
        Column(TERM, "float64", "Raw value of a term of the objective."),
        Column(DESIRABILITY, "float64", "Desirability of that value, in [0, 1]."),
    ),
)
"""The scored molecules that satisfy the constraints and that no other one surpasses in all terms (`mean: pareto`)."""

SCORED_MOLECULES = TableSchema(
    "molecules.csv",
    (
        Column("smiles", "str", "The string as given."),
        Column("canonical_smiles", "str", "Canonical SMILES; empty for an invalid SMILES, as all that follows."),
        Column("valid", "bool", "Whether the string is a molecule."),
        Column("problem", "str", "Why it is none.", optional=True),
        Column("passes_veber", "bool", "Whether it passes Veber's rules.", optional=True),
        Column("alerts", "str", "Names of its structural alerts, joined by `; `."),
        Column("n_alerts", "Int64", "How many it has."),
        Column("passes_filters", "bool", "Whether it passes the filters of MOSES."),
        Column("novel", "bool", "Whether it is no training molecule, by canonical SMILES."),
        _NEAREST_SMILES,
        Column("nearest_train_id", "str", "The name of that training molecule.", optional=True),
        _NEAREST_SIMILARITY,
        Column("scaffold", "str", "Bemis-Murcko scaffold; empty without rings.", optional=True),
        Column("scaffold_in_train", "bool", "Whether a training molecule has it.", optional=True),
        Column("known_ring_systems", "float64", "Fraction of its ring systems seen in training.", optional=True),
        Column("rarest_ring_system", "Int64", "Training molecules that have the rarest of them.", optional=True),
        Column("inchikey", "str", "InChIKey.", optional=True),
        Column("anomaly_score", "float64", "See `MolVAE.anomaly_score`.", optional=True),
        Column("anomaly_percentile", "float64", "Percentile of that among held-out molecules.", optional=True),
        Column("outside_domain", "bool", "Whether that is above the 99th percentile.", optional=True),
    ),
    (Column("nearest_train_", "float64", "A measured property of the most similar training molecule."),),
    has_descriptors=True,
)
"""Each generated molecule with its properties, as the score stage describes it."""

TABLES = (
    MOLECULES,
    REJECTED,
    HISTORY,
    LATENT_MAP,
    RECONSTRUCTIONS,
    SAMPLES,
    TRACE,
    TIMES,
    CANDIDATES,
    PLATE,
    FRONT,
    SCORED_MOLECULES,
)
"""All tables between stages."""
