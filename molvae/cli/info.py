"""`molvae info`."""

from typing import TYPE_CHECKING

import typer

from molvae.cli.common import JsonOption, ModelArgument

if TYPE_CHECKING:
    from molvae.model.catalogue import ModelInfo


def info(model: ModelArgument, as_json: JsonOption = False) -> None:
    """Describe a model: its training, architecture, tokens, priors, property head and what was measured of it."""
    import json

    from molvae.model.catalogue import model_info

    described = model_info(model)
    typer.echo(json.dumps(described.to_json(), indent=2) if as_json else _text(described))


def _text(info: "ModelInfo") -> str:
    from molvae.cli.text import aligned

    training = ", ".join(f"{name} {value}" for name, value in info.training.items() if name != "n_molecules")
    changed = {name: value for name, value in info.standardisation.items() if value is not True}
    rows = {
        "folder": f"{info.folder} ({info.size_mb:.1f} MB)",
        "molecules": f"{info.n_molecules:,} to train on",
        "training": training,
        "architecture": ", ".join(f"{name} {value}" for name, value in info.model.items()),
        "standardisation": ", ".join(f"{name} {value}" for name, value in changed.items()),
        "tokens": f"{len(info.tokens)}: {' '.join(info.tokens)}",
        "longest": f"{info.max_length} tokens of a generated molecule",
        "priors": ", ".join(
            f"{name} (validation FCD {fcd:.2f}{', the default' if name == info.prior else ''})"
            for name, fcd in info.priors.items()
        ),
        "properties": ", ".join(f"{name} ({unit})" for name, unit in info.properties.items()) or "none predicted",
    }
    lines = [info.name, *(f"  {name:<16}{text}" for name, text in rows.items())]
    if not info.metrics:
        return "\n".join([*lines, "  not evaluated here; see `molvae evaluate`"])
    measured = [["metric", "value", "n"]]
    measured += [[name, f"{metric.value:.4g}", f"{metric.n:,}"] for name, metric in info.metrics.items()]
    return "\n".join([*lines, "", aligned(measured)])
