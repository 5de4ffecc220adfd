"""What a plate is chosen by: whether its files have the columns, and its objective constraints that can be checked."""

from pathlib import Path

from molvae.chem.reading import Columns, column_names, data_fields, read_records, smiles_column_of
from molvae.config import ProposeConfig
from molvae.errors import ConfigError
from molvae.optimize.objective import Objective


def check_inputs(config: ProposeConfig, objective: Objective | None) -> None:
    """See that a plate can be chosen as the settings say, from the beginnings of the files that they name.

    Raises:
        ConfigError: If a column is missing, or the objective has constraints that are not molvae's.
        DataError: If a file cannot be read.
    """
    if objective is not None:
        check_constraints(objective)
    if config.pool is not None:
        smiles_column_of(Path(config.pool), Columns(config.pool_smiles_column))
    if config.measured is None:
        return
    if config.column is not None:
        columns = Columns(config.smiles_column, extra=(config.column,))
        # Up to the first row with a value: an .sdf has no header, and is read to its end for a field that it lacks. A
        # file without rows has no column to be misspelt.
        any(record.extra[0] for record in read_records(Path(config.measured), columns, may_be_empty=True))
    elif objective is not None:
        measured_terms(Path(config.measured), objective, config.smiles_column)


def check_constraints(objective: Objective) -> None:
    """Refuse constraints that cannot be checked for every candidate.

    Raises:
        ConfigError: If a user's own code computes one.
    """
    own = [constraint.title for constraint in objective.constraints if constraint.quantity.external]
    if own:
        raise ConfigError(
            f"{objective.name}: expected constraints that molvae computes, found {', '.join(own)}, which your own code "
            "does: it would be called for millions of candidates; leave it out, and filter the pool with it before"
        )


def measured_terms(file: Path, objective: Objective, smiles_column: str | None = None) -> list[str]:
    """Return the terms of an objective that have the name of a column of a measured table.

    Raises:
        ConfigError: If there is none.
        DataError: If the table cannot be read.
    """
    smiles_column_of(file, Columns(smiles_column))
    names = [*column_names(file, Columns(smiles_column)), *data_fields(file)]
    measured = [name for name in objective.term_names if name in names]
    if not measured:
        raise ConfigError(
            f"{file}: expected a column of the name of a term of {objective.name} ({', '.join(objective.term_names)}), "
            f"found {', '.join(names) or 'no columns'}; name the terms as the columns (name: ...), or choose one "
            "(--column)"
        )
    return measured
