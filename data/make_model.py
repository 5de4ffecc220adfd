"""Turn a trained model into one that ships with molvae: in half precision, evaluated as shipped, with a model card.

    python data/make_model.py results/moses --name moses --trained-on "one NVIDIA H200"

Writes data/models/<name>/, and the evaluation to <run>/shipped/.
"""

import argparse
import math
from pathlib import Path

import yaml

from molvae.config import EvaluateConfig, RunConfig, SampleConfig
from molvae.errors import DataError
from molvae.evaluate import evaluate
from molvae.files import read_json, read_table, replacing
from molvae.folders import replacing_files
from molvae.metrics.metric import Metric
from molvae.metrics.registry import METRICS, metrics_from_json
from molvae.model.loading import load
from molvae.model.model import MODEL_FILES
from molvae.parallel import set_threads
from molvae.provenance import settings_of
from molvae.sample import sample
from molvae.score.reference import from_prepared
from molvae.score.stage import score

MODELS = Path(__file__).parent / "models"
MAX_BYTES = 12_000_000
N_SAMPLES = 30_000


def measure(shipped: Path, run: Path, settings: RunConfig, n_jobs: int) -> dict[str, dict[str, Metric]]:
    """Evaluate the shipped model and score its samples; return the metrics of both, by command."""
    out = run / "shipped"
    model = load(shipped, settings.device)
    # The benchmark defines its metrics for this number of samples, whatever the number in the run.
    evaluate_config = EvaluateConfig(n_reconstruct=settings.evaluate.n_reconstruct, n_samples=N_SAMPLES)
    evaluate(model, run / "prepare", out / "evaluate", evaluate_config, settings.seed, n_jobs)
    sample(model, out / "samples.csv", SampleConfig(n=N_SAMPLES), settings.seed, n_jobs)
    sampled = read_table(out / "samples.csv", ["smiles"])["smiles"].fillna("").tolist()
    score(sampled, from_prepared(run / "prepare"), out / "score", settings.score, settings.seed, n_jobs)
    evaluated = read_json(out / "evaluate" / "metrics.json")
    scored = read_json(out / "score" / "metrics.json", ["moses"])["moses"]
    return {"molvae evaluate": metrics_from_json(evaluated), "molvae score": metrics_from_json(scored)}


def card(name: str, run: Path, settings: RunConfig, trained_on: str, measured: dict[str, dict[str, Metric]]) -> str:
    """Return the model card, as Markdown."""
    prepared = read_json(run / "prepare" / "summary.json", ["kept", "splits"])
    training = read_json(run / "train" / "model" / "config.json", ["training", "generation"])
    history = read_table(run / "train" / "history.csv", ["epoch", "seconds"])
    changed = settings.model_dump(mode="json", exclude_defaults=True, include={"prepare", "train"})
    n_train = prepared["splits"]["train"]
    max_tokens = training["generation"]["max_length"] - 1
    initialised = f"; initialised from `{settings.train.init_from}`" if settings.train.init_from else ""
    lines = [
        f"# {name}",
        "",
        f"`molvae.load({name!r})` and `molvae sample {name} --n 1000 --out samples.csv`.",
        "",
        f"- **Data**: {', '.join(settings.prepare.input)}; {n_train:,} training molecules of {prepared['kept']:,}.",
        f"- **Training**: {history['epoch'].iloc[-1]} epochs, {history['seconds'].iloc[-1] / 3600:.1f} hours on "
        f"{trained_on}; {training['training']['n_parameters']:,} parameters; seed {settings.seed}{initialised}.",
        f"- **Limits**: intended for molecules similar to the training set, of at most {max_tokens} SELFIES tokens, "
        f"{'without' if settings.prepare.stereo == 'drop' else 'with'} stereochemistry; `molvae anomaly` scores how "
        "far a molecule is from it. Weights are stored as float16, and all metrics below are those of the stored "
        "weights.",
        "",
        "Settings of `prepare` and `train` that differ from the defaults:",
        "",
        "```yaml",
        yaml.safe_dump(changed, sort_keys=False).rstrip(),
        "```",
    ]
    for command, metrics in measured.items():
        rows = [_row(name, metric) for name, metric in metrics.items() if not math.isnan(metric.value)]
        lines += ["", f"`{command}`:", "", "| key | metric | better | value | n |", "|---|---|---|---|---|", *rows]
    return "\n".join(lines) + "\n"


def _row(name: str, metric: Metric) -> str:
    title = METRICS[name].title if name in METRICS else name
    unit = metric.unit if metric.unit != "fraction" else ""
    value = f"{metric.value:.4g} {unit}".rstrip()
    return f"| `{name}` | {title} | {metric.better or ''} | {value} | {metric.n:,} |"


def main() -> None:
    """Write the model, evaluate it, and write its model card."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="run folder, results/<run>, with prepare/ and train/")
    parser.add_argument("--name", required=True, help="name of the shipped model")
    parser.add_argument("--trained-on", required=True, help="description of the training hardware")
    arguments = parser.parse_args()
    settings = settings_of(arguments.run, RunConfig())
    shipped = MODELS / arguments.name
    with replacing_files(shipped, MODEL_FILES) as temporary:
        load(arguments.run / "train" / "model", "cpu").save(temporary, half=True)
        size = sum(path.stat().st_size for path in temporary.iterdir())
        if size > MAX_BYTES:
            raise DataError(f"{shipped}: expected at most {MAX_BYTES:,} bytes, found {size:,}; train a smaller model")
    measured = measure(shipped, arguments.run, settings, set_threads(None))
    with replacing(shipped / "README.md") as temporary:
        temporary.write_text(card(arguments.name, arguments.run, settings, arguments.trained_on, measured))
    print((shipped / "README.md").read_text())


if __name__ == "__main__":
    main()
