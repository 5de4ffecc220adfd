"""The next plate: which molecules to make or buy, and to measure.

The package can be called, `molvae.propose("zinc250k", measured="results.csv", column="pIC50")`, see
`molvae.propose.face.propose`.
"""

import sys
from types import ModuleType
from typing import Any


class _Callable(ModuleType):
    """A package that is also the function of its name, since both are `molvae.propose`."""

    def __call__(self, *args: Any, **settings: Any) -> Any:
        from molvae.propose.face import propose

        return propose(*args, **settings)


sys.modules[__name__].__class__ = _Callable
