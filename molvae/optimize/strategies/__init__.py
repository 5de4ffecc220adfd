"""Search strategies: how molecules to score are chosen.

Every module of the package registers its strategy; none is listed here. The section of its settings stands in
`molvae.config.OptimizeConfig`, under the name by which it is registered, which is also a choice of `strategy` there.
"""

import importlib
import pkgutil

from molvae.optimize.strategies.base import STRATEGIES, Proposal, SearchContext, Strategy

for _module in pkgutil.iter_modules(__path__, f"{__name__}."):
    importlib.import_module(_module.name)

__all__ = ["STRATEGIES", "Proposal", "SearchContext", "Strategy"]
