"""`molvae models`."""

from pathlib import Path
from typing import Annotated

import typer

from molvae.cli.common import JsonOption


def models(
    results: Annotated[Path, typer.Option("--results", help="Folder of the runs.")] = Path("results"),
    as_json: JsonOption = False,
) -> None:
    """List the models that come with molvae, and those trained in results/.

    Shows name, training molecules, tokens, size of the latent space and, where the model was evaluated, the fraction of
    held-out molecules that it reconstructs exactly and the FCD of its samples. A name is accepted wherever a model is.
    """
    import json

    from molvae.cli.text import aligned
    from molvae.errors import DataError
    from molvae.log import logger
    from molvae.model.catalogue import known_models, model_info

    described = []
    for name in known_models(results):
        try:
            described.append(model_info(name))
        except DataError as error:
            logger.warning("left out: %s", error)
    if as_json:
        typer.echo(json.dumps([info.to_json() for info in described], indent=2))
        return
    rows = [["name", "molecules", "tokens", "latent_dim", "reconstruction", "FCD"]]
    for info in described:
        measured = (info.metrics.get(name) for name in ("exact_reconstruction", "fcd_prior"))
        quality = ("-" if metric is None else f"{metric.value:.3g}" for metric in measured)
        rows.append([info.name, f"{info.n_molecules:,}", str(len(info.tokens)), str(info.latent_dim), *quality])
    typer.echo(aligned(rows))
