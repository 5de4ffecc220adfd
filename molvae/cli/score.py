"""`molvae score`."""

from pathlib import Path
from typing import Annotated

import typer

from molvae.cli.common import (
    ConfigOption,
    MoleculesArgument,
    OutFolder,
    SeedOption,
    SetOption,
    SmilesColumnOption,
    ThreadsOption,
    settings,
)


def score(
    samples: MoleculesArgument,
    out: OutFolder,
    reference: Annotated[
        Path | None,
        typer.Option("--reference", help="Folder written by `molvae prepare`; alternatively --train and --test."),
    ] = None,
    train: Annotated[Path | None, typer.Option("--train", help="File with training molecules.")] = None,
    test: Annotated[Path | None, typer.Option("--test", help="File with test molecules.")] = None,
    test_scaffolds: Annotated[
        Path | None, typer.Option("--test-scaffolds", help="File with test molecules of unseen scaffolds.")
    ] = None,
    model: Annotated[
        Path | None, typer.Option("--model", help="Model for the anomaly score of each molecule and its percentile.")
    ] = None,
    gpu: Annotated[
        bool | None,
        typer.Option("--gpu/--cpu", help="Device of the neural networks; the config's `device` by default."),
    ] = None,
    smiles_column: SmilesColumnOption = None,
    config: ConfigOption = None,
    overrides: SetOption = None,
    seed: SeedOption = None,
    threads: ThreadsOption = None,
) -> None:
    """Score generated molecules by the MOSES and GuacaMol metrics, and describe each of them.

    Writes OUT/metrics.json, molecules.csv, molecules.sdf and figures/.

    The reference molecules are the splits of a prepared folder (--reference) or the molecules in files (--train,
    --test). --smiles-column applies to the generated molecules only. Statistics of the reference molecules are cached
    in $MOLVAE_CACHE or the system's cache folder.
    """
    run = settings(config, overrides, seed)
    from molvae.chem.reading import read_molecules
    from molvae.folders import output_folder
    from molvae.model.loading import load
    from molvae.nn.device import choose_device
    from molvae.parallel import set_threads
    from molvae.score.reference import from_files, from_prepared
    from molvae.score.stage import score as score_stage

    n_jobs = set_threads(threads)
    match reference, train, test, test_scaffolds:
        case Path(), None, None, None:
            compared = from_prepared(reference)
        case None, Path(), Path(), _:
            compared = from_files(train, test, test_scaffolds)
        case _:
            raise typer.BadParameter("expected either --reference, or --train and --test (optionally --test-scaffolds)")
    with output_folder(out, "figures"):
        # A search may find no candidates, which is a result and not an error.
        generated = [record.smiles for record in read_molecules(samples, smiles_column, may_be_empty=True)]
        device = choose_device(run.device if gpu is None else "cuda" if gpu else "cpu")
        judge = None if model is None else load(model, device.type)
        score_stage(generated, compared, out, run.score, run.seed, n_jobs, judge, device.type)
