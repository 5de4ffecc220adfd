"""Structural alerts, as a quantity that only constrains."""

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator

from molvae.chem.alerts import structural_alerts
from molvae.optimize.quantities.base import QUANTITIES, Measure, Quantity, not_empty

AlertSet = Literal["PAINS", "BRENK", "NIH"]


@QUANTITIES.register("alerts")
class Alerts(Quantity):
    """Collections of structural alerts of which none may match: PAINS, BRENK, NIH."""

    example: ClassVar[str] = "alerts: [PAINS, BRENK]"

    constraint_only: ClassVar[bool] = True
    costly: ClassVar[bool] = True
    required: ClassVar[float | None] = 0.0

    alerts: Annotated[tuple[AlertSet, ...], AfterValidator(not_empty)]
    """The collections."""

    def text(self) -> str:
        """Return what must not match."""
        return f"no {' or '.join(self.alerts)} alert"

    def measure(self, folder: Path) -> Measure:  # noqa: ARG002
        """Return the function that counts the alerts that match."""
        return lambda molecules: [
            float(len(names)) for names in structural_alerts([molecule.mol for molecule in molecules], self.alerts)
        ]
