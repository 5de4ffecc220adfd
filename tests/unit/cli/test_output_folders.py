"""What the verbs do to the folder that they write: what is the user's stays, and a second run is told of the first."""

import os
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from molvae import files, folders
from molvae.cli.main import app
from molvae.errors import DataError
from molvae.folders import LOCK, output_folder
from tests.fixtures.run_folder import build_run_folder

# What a user may call files so that they look like molvae's.
LOOKALIKES = {
    "prepare": [
        ".molecules.mine.partial.parquet",
        "resume/0123456789abcdef/input-mine.parquet",
        "resume/0123456789abcdef/.mine.partial.parquet",
        "resume/duplicates/mine.arrow",
        "resume/duplicates/part-mine.arrow",
        "resume/duplicates/merged-mine.parquet",
    ],
    "train": [
        "resume/.checkpoint.mine.partial.pt",
        "resume/data/train/my.npy",
        "resume/data/train/randomised/my.npy",
        "resume/.data.backup.partial/thesis.docx",
        "resume/.data.1234567.abcdefgh.partial/thesis.docx",
    ],
    "optimize": ["resume/.calls.mine.partial.csv", "resume/.objective.mine.partial.json"],
    "score": ["figures/mine.svg", ".figures.1234567.abcdefgh.partial/thesis.docx"],
    "evaluate": [],
    "learn": [],
    "report": ["report/figures/mine.svg"],
    "sample": ["samples_rejected.csv"],
    "propose": ["rejected.csv"],
}

# Folders that each verb writes or removes files in, and the file that it writes last.
VERBS = {
    "prepare": (["resume", "resume/0123456789abcdef", "resume/duplicates"], "summary.json"),
    "train": (["model", "resume", "resume/data", "resume/data/train"], "model/config.json"),
    "evaluate": ([], "metrics.json"),
    "optimize": (["resume"], "summary.json"),
    "score": (["figures"], "metrics.json"),
    "report": (["report", "report/figures"], "report.html"),
    "learn": ([], "learned.json"),
}

# Those that write files, among which the user may have others: no folder is theirs alone.
FILE_VERBS = {"sample": ([], "summary.json"), "propose": ([], "plate.csv")}


@pytest.fixture(scope="module")
def sources(tmp_path_factory, model, small_train_config, prepared, smiles):
    """Return a folder with what the verbs read."""
    folder = tmp_path_factory.mktemp("sources")
    model.save(folder / "model")
    (folder / "molecules.smi").write_text("\n".join(smiles[:60]) + "\n")
    (folder / "pool.csv").write_text("smiles\n" + "\n".join([*smiles[:60], "nonsense"]) + "\n")
    rows = [f"{text},{5 + len(text) / 20}" for text in smiles[:24]]
    (folder / "measured.csv").write_text("\n".join(["smiles,pIC50", *rows]) + "\n")
    content = {
        "seed": 3,
        "device": "cpu",
        "train": {**small_train_config.model_dump(), "epochs": 1},
        "evaluate": {"n_reconstruct": 10, "n_samples": 20, "n_latent": 5, "n_map": 30},
        "optimize": {"budget": 20, "batch_size": 10, "n_start": 10, "n_candidates": 5, "compare_training": False},
    }
    (folder / "study.yaml").write_text(yaml.safe_dump(content))
    return folder


@pytest.fixture
def run(sources, prepared, tmp_path):
    """Run a verb on a folder to write."""

    def run(verb, out):
        reference = ["--reference", prepared]
        arguments = {
            "prepare": [sources / "molecules.smi"],
            "train": [prepared],
            "evaluate": [sources / "model", *reference],
            "optimize": [sources / "model", "--objective", "qed", *reference],
            "score": [sources / "molecules.smi", *reference],
            "report": [out],
            "learn": [sources / "measured.csv", "--column", "pIC50"],
            "sample": [sources / "model", "--n", 5, "--summary", out / "summary.json"],
            "propose": [sources / "model", "--n", 5, "--pool", sources / "pool.csv"],
        }[verb]
        if verb != "report":
            file = {"sample": "samples.csv", "propose": "plate.csv"}.get(verb, "")
            arguments += ["--out", out / file]
            arguments += [] if verb == "learn" else ["--config", sources / "study.yaml"]
            arguments += ["--threads", 1]
        return CliRunner().invoke(app, [verb, *map(str, arguments)], catch_exceptions=False)

    return run


def folder_for(verb, tmp_path):
    out = build_run_folder(tmp_path) if verb == "report" else tmp_path / "out"
    out.mkdir(exist_ok=True)
    return out


@pytest.mark.parametrize("verb", [*VERBS, *FILE_VERBS])
def test_what_is_the_users_stays_and_a_run_that_dies_leaves_no_older_summary(verb, run, tmp_path, monkeypatch):
    out = folder_for(verb, tmp_path)
    parts, last = {**VERBS, **FILE_VERBS}[verb]
    mine = [out / part / "my only copy.txt" for part in ["", *parts]] + [out / name for name in LOOKALIKES[verb]]
    for path in mine:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine")
    assert run(verb, out).exit_code == 0
    assert [path.read_text() for path in mine] == ["mine"] * len(mine)
    assert (out / last).is_file()
    assert not [path for path in out.rglob("*.partial*") if not any(own.is_relative_to(path) for own in mine)]
    assert not (out / LOCK).exists()
    outputs = []
    move = files.move

    def move_one(temporary, path):
        if path.is_relative_to(out) and "resume" not in path.parts:
            outputs.append(path)
            if len(outputs) == 2:
                raise DataError("no room")
        move(temporary, path)

    monkeypatch.setattr(files, "move", move_one)
    monkeypatch.setattr(folders, "move", move_one)
    with pytest.raises(DataError, match="no room"):
        run(verb, out)
    assert [path.read_text() for path in mine] == ["mine"] * len(mine)
    assert outputs[0].exists()
    assert not (out / last).exists()
    assert not (out / LOCK).exists()


def test_a_failed_preparation_leaves_what_is_the_users(run, sources, tmp_path):
    mine = [tmp_path / "resume" / "cv.docx", tmp_path / "resume" / "duplicates" / "cv.docx"]
    for path in mine:
        path.parent.mkdir(exist_ok=True)
        path.write_text("mine")
    (tmp_path / "bad.smi").write_text("this is\nnot a list\nof molecules\n")
    with pytest.raises(DataError, match="max_rejected"):
        CliRunner().invoke(app, ["prepare", str(tmp_path / "bad.smi"), "--out", str(tmp_path)], catch_exceptions=False)
    assert [path.read_text() for path in mine] == ["mine", "mine"]


@pytest.mark.parametrize("verb", VERBS)
def test_a_second_run_in_a_folder_ends_at_once(verb, run, tmp_path):
    out = folder_for(verb, tmp_path)
    before = sorted(out.rglob("*"))
    with (
        output_folder(out),
        pytest.raises(DataError, match=f"expected no other run of molvae in this folder, .*process {os.getpid()} on"),
    ):
        run(verb, out)
    assert sorted(out.rglob("*")) == before


@pytest.mark.parametrize(("verb", "part"), [(verb, part) for verb, (parts, _) in VERBS.items() for part in parts[:1]])
def test_nothing_is_written_through_a_link(verb, part, run, tmp_path):
    out = folder_for(verb, tmp_path)
    victim = tmp_path / "victim"
    (victim / "figures").mkdir(parents=True)
    (out / part).symlink_to(victim)
    with pytest.raises(DataError, match=f"{part}: expected a folder or nothing, found a link"):
        run(verb, out)
    assert [path.name for path in victim.rglob("*")] == ["figures"]


def test_parts_of_a_preparation_share_a_folder(run, tmp_path):
    with output_folder(tmp_path / "out", shared=True):
        (tmp_path / "in.smi").write_text("".join(f"{'C' * n}O\n" for n in range(1, 30)))
        arguments = ["prepare", str(tmp_path / "in.smi"), "--out", str(tmp_path / "out"), "--threads", "1"]
        assert CliRunner().invoke(app, [*arguments, "--shard", "1/2"], catch_exceptions=False).exit_code == 0
        with pytest.raises(DataError, match="expected no other run"):
            CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert CliRunner().invoke(app, arguments, catch_exceptions=False).exit_code == 0
    assert not Path(tmp_path / "out" / LOCK).exists()
