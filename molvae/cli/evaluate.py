"""`molvae evaluate`."""

from molvae.cli.common import (
    ConfigOption,
    DeviceOption,
    ModelArgument,
    OutFolder,
    ReferenceOption,
    SeedOption,
    SetOption,
    ThreadsOption,
    settings,
)


def evaluate(
    model: ModelArgument,
    reference: ReferenceOption,
    out: OutFolder,
    config: ConfigOption = None,
    overrides: SetOption = None,
    seed: SeedOption = None,
    threads: ThreadsOption = None,
    device: DeviceOption = None,
) -> None:
    """Evaluate a model on held-out molecules.

    Writes OUT/metrics.json, OUT/reconstructions.csv and OUT/latent_map.parquet.
    """
    run = settings(config, overrides, seed, device)

    from molvae.evaluate import evaluate as evaluate_stage
    from molvae.folders import output_folder
    from molvae.model.loading import load
    from molvae.parallel import set_threads

    n_jobs = set_threads(threads)
    with output_folder(out):
        evaluate_stage(load(model, run.device), reference, out, run.evaluate, run.seed, n_jobs)
