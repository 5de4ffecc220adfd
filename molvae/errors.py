"""The errors that molvae raises on purpose.

Each message says what was expected, what was found, where, and what to do. The command line prints the message as one
line and exits with the class's `exit_status`: 2 for a wrong usage or setting, 1 for the data or the machine.
"""


class MolvaeError(Exception):
    """Base of every error that molvae raises on purpose."""

    exit_status = 1


class ConfigError(MolvaeError):
    """A setting is misspelt, of the wrong type, or out of range."""

    exit_status = 2


class DataError(MolvaeError):
    """Input data is missing, unreadable or unusable."""


class VocabularyError(DataError):
    """A token is not in the vocabulary, or a vocabulary does not fit a model."""


class CheckpointError(MolvaeError):
    """A saved model or checkpoint is incomplete or does not fit."""


class ObjectiveError(MolvaeError):
    """An objective is ill-defined: an unknown property, an impossible desirability, a bad SMARTS."""

    exit_status = 2
