"""The exceptions of molvae.

Each message says what was expected, what was found, where, and what to do. The command line prints the message as one
line and exits with the `exit_status` of the class: 2 for incorrect usage or an invalid setting, 1 for an error in the
data or on the machine.
"""

import errno

NO_ROOM = frozenset([errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
"""Numbers of the system's errors that say that a disk, a quota or a limit is full."""


class MolvaeError(Exception):
    """Base class of the exceptions of molvae."""

    exit_status = 1


class ConfigError(MolvaeError):
    """A setting is misspelt, of the wrong type, or out of range."""

    exit_status = 2


class DataError(MolvaeError):
    """Input data is missing, unreadable or unsuitable."""


class VocabularyError(DataError):
    """A token is not in the vocabulary, or a vocabulary does not match a model."""


class CheckpointError(MolvaeError):
    """A saved model or checkpoint is incomplete or does not match its configuration."""


class ObjectiveError(MolvaeError):
    """An objective is invalid: an unknown property, an impossible desirability, an invalid SMARTS."""

    exit_status = 2
