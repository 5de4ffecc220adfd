"""What no module of the package does: run what a file says, call a shell, or use the network."""

import ast
from pathlib import Path

import pytest

import molvae

PACKAGE = Path(molvae.__file__).parent
# What a user runs that is no part of the package.
OTHERS = ("workflow", "data", "benchmarks", "docs")

# Calls that read code, or objects that may bring some, from bytes.
READS_CODE = {
    *("pickle.load", "pickle.loads", "pickle.Unpickler", "marshal.load", "marshal.loads", "shelve.open", "dill.load"),
    *("cloudpickle.load", "cloudpickle.loads", "joblib.load", "torch.load", "torch.jit.load", "pandas.read_pickle"),
    *("yaml.load", "yaml.unsafe_load", "yaml.full_load", "eval", "exec", "compile", "__import__", "runpy.run_path"),
}
SHELLS = {"os.system", "os.popen", "os.execl", "os.spawnl", "subprocess.getoutput", "subprocess.getstatusoutput"}
NETWORK = {"requests", "urllib.request", "urllib3", "http", "httpx", "aiohttp", "ftplib", "smtplib", "socketserver"}

ALLOWED = {
    # What a child process of its own writes into a pipe.
    ("chem/timeout.py", "pickle.loads"),
    # A file of RDKit's own, read by a class that knows no names.
    ("chem/descriptors.py", "pickle.Unpickler"),
    # What the search's own client sends to a dask worker, which runs what its scheduler sends in any case.
    ("optimize/dask_evaluator.py", "pickle.loads"),
}


def sources(root=PACKAGE):
    for path in sorted(root.rglob("*.py")):
        yield path.relative_to(root).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def names_used(tree):
    """Yield the names that a module uses, each with what it was imported as undone."""
    aliases = {
        alias.asname: alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
        if alias.asname
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            first, _, rest = ast.unparse(node).partition(".")
            yield f"{aliases.get(first, first)}.{rest}"
        elif isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imports(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module


@pytest.mark.parametrize("forbidden", [READS_CODE, SHELLS])
def test_nothing_runs_what_a_file_says(forbidden):
    used = {(path, name) for path, tree in sources() for name in names_used(tree) if name in forbidden}
    assert used == {pair for pair in ALLOWED if pair[1] in forbidden}


@pytest.mark.parametrize("folder", OTHERS)
def test_nothing_else_that_is_run_reads_what_may_run(folder):
    root = PACKAGE.parent / folder
    assert {name for _, tree in sources(root) for name in names_used(tree) if name in READS_CODE | SHELLS} == set()


@pytest.mark.parametrize(
    "text",
    [
        *(
            "import pickle as p\np.load(file)",
            "from torch import load\nload(file)",
            "import pandas\npandas.read_pickle(x)",
        ),
        *("import os as o\no.system('ls')", "import yaml\nyaml.load(text, Loader)", "pickle.Unpickler(file).load()"),
    ],
)
def test_another_name_hides_nothing(text):
    assert set(names_used(ast.parse(text))) & (READS_CODE | SHELLS)


def test_no_array_is_read_with_objects_and_no_program_by_a_shell():
    for path, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.keyword) and node.arg in ("allow_pickle", "shell"):
                assert ast.unparse(node.value) == "False", f"{path}:{node.value.lineno}"
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "np.load":
                assert len(node.args) == 1, f"{path}:{node.lineno}"


def test_only_the_module_that_fetches_imports_what_uses_the_network():
    used = {
        path
        for path, tree in sources()
        for name in imports(tree)
        if any(name == module or name.startswith(f"{module}.") for module in NETWORK)
    }
    assert used == {"prepare/fetch.py"}
