"""The registry of metrics: title, unit, direction and definition of each, for the stages, the report and the cards."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from molvae.metrics.metric import Direction, Metric
from molvae.registry import Registry


@dataclass(frozen=True)
class MetricSpec:
    """What is known of a metric apart from its values.

    Attributes:
        title: Its name in tables.
        definition: What it is, in a sentence.
        better: Which values are better; None where neither is.
        unit: As `Metric.unit`.
        group: Heading under which the report lists it among the metrics of generated molecules.
        is_count: Whether its values are whole numbers.
    """

    title: str
    definition: str
    better: Direction | None
    unit: str = ""
    group: str = ""
    is_count: bool = False


METRICS: Registry[MetricSpec] = Registry("metric")


def measured(
    name: str,
    value: float,
    n: int,
    *,
    n_reference: int | None = None,
    warning: str | None = None,
    interval: tuple[float, float] | None = None,
) -> Metric:
    """Return a value of a registered metric; for the arguments see `Metric`.

    Raises:
        ConfigError: If there is no metric of that name.
    """
    spec = METRICS[name]
    return Metric(value, n, spec.definition, spec.unit, spec.better, n_reference, warning, interval)


def metrics_from_json(content: Mapping[str, Any], prefix: str = "") -> dict[str, Metric]:
    """Return the metrics in a part of a metrics file, which may have other entries beside them.

    Args:
        content: The part of the file.
        prefix: Prefix of their names in the registry, such as `guacamol/`.

    Returns:
        The metrics by their names in the registry, in the order of the file. One that is not registered has the unit
        and the direction that the file gives.
    """
    return {
        prefix + name: _from_json(prefix + name, entries)
        for name, entries in content.items()
        if isinstance(entries, Mapping) and "value" in entries
    }


def _from_json(name: str, entries: Mapping[str, Any]) -> Metric:
    known = {"unit": METRICS[name].unit, "better": METRICS[name].better} if name in METRICS else {}
    return Metric.from_json({**known, **entries})
