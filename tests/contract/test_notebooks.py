"""The notebooks of the documentation run from beginning to end."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parents[2] / "docs" / "notebooks"
QUICK = "own_data_and_objective.ipynb"
"""The others take a minute each on two cores."""


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(file.name, marks=[] if file.name == QUICK else pytest.mark.nightly)
        for file in sorted(NOTEBOOKS.glob("*.ipynb"))
    ],
)
def test_the_notebook_runs(name, tmp_path):
    notebook = nbformat.read(NOTEBOOKS / name, as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells), "committed without outputs, which go stale"
    NotebookClient(notebook, timeout=240, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert all(cell["outputs"] for cell in notebook.cells[-1:]), "the last cell shows something"
