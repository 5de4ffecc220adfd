"""What no module of the package does: run what a file says, call a shell, or use the network."""

import ast
from pathlib import Path

import pytest

import molvae

PACKAGE = Path(molvae.__file__).parent

# Calls that read code, or objects that may bring some, from bytes.
READS_CODE = {
    *("pickle.load", "pickle.loads", "pickle.Unpickler", "marshal.load", "marshal.loads", "shelve.open", "dill.load"),
    *("cloudpickle.load", "cloudpickle.loads", "joblib.load", "torch.load", "torch.jit.load", "pd.read_pickle"),
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


def sources():
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path.relative_to(PACKAGE).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def names_used(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield ast.unparse(node)
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


def test_no_array_is_read_with_objects_and_no_program_by_a_shell():
    for path, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.keyword) and node.arg in ("allow_pickle", "shell"):
                assert ast.unparse(node.value) == "False", f"{path}:{node.value.lineno}"


def test_only_the_module_that_fetches_imports_what_uses_the_network():
    used = {
        path
        for path, tree in sources()
        for name in imports(tree)
        if any(name == module or name.startswith(f"{module}.") for module in NETWORK)
    }
    assert used == {"prepare/fetch.py"}
