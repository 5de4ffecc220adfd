"""Find and load the modules that users write, each folder's own.

A module beside an objective file is loaded as a part of a package made for the file's folder, so that modules of one
name in two folders are two modules, and none hides an installed one.
"""

import ast
import hashlib
import importlib
import importlib.util
import symtable
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.machinery import ModuleSpec, PathFinder, all_suffixes
from pathlib import Path
from types import ModuleType

from molvae.errors import ObjectiveError

# By folder: what the modules there have imported from beside them, by the names that they use for it.
_siblings: dict[Path, dict[str, ModuleType]] = {}


def locate(module: str, folder: Path) -> Path | None:
    """Return the file of a module that lies in `folder`; None if it does not, and is perhaps installed.

    Args:
        module: Its name, with dots for a module of a package.
        folder: Where to look.
    """
    base = folder.joinpath(*module.split("."))
    files = [base / "__init__.py", *(base.with_name(base.name + suffix) for suffix in all_suffixes())]
    return next((file for file in files if file.is_file()), None)


def imported_files(file: Path, folder: Path) -> tuple[Path, ...]:
    """Return a module's file and those of all modules in `folder` that it imports, also through others of them.

    Nothing of them is run, so that an import whose name is made at run time is not seen.
    """
    files = {file: None}
    waiting = [file]
    while waiting:
        # What is no Python, or leads out of all folders, is refused where it is loaded.
        with suppress(OSError, SyntaxError, ValueError, IndexError):
            new = [path for path in _imports(waiting.pop(), folder) if path not in files]
            files |= dict.fromkeys(new)
            waiting += new
    return tuple(files)


def _imports(file: Path, folder: Path) -> Iterator[Path]:
    """Yield the files in `folder` of what the import statements of a module name."""
    if file.suffix != ".py":
        return
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            root, names = folder, [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            root = folder if node.level == 0 else file.parents[node.level - 1]
            base = [node.module] if node.module else []
            names = [".".join([*base, alias.name]) for alias in node.names]
        else:
            continue
        for name in names:
            parts = name.split(".")
            for n in range(1, len(parts) + 1):
                if (path := locate(".".join(parts[:n]), root)) is not None:
                    yield path


def check_function(reference: str, folder: Path) -> Path | None:
    """See that there is a function `module:function`, without running the module.

    Args:
        reference: The function.
        folder: Where its module lies, unless it is installed.

    Returns:
        The module's file, if it lies in `folder`.

    Raises:
        ObjectiveError: If there is no such module, its source is not Python, or it has nothing of the function's name.
    """
    module, _, function = reference.partition(":")
    file = locate(module, folder)
    spec = None if file is not None else _installed(module)
    if file is None and spec is None:
        raise ObjectiveError(
            f"python: expected a module {module}, installed or in {folder.resolve()}, found none; correct the name or "
            "put the module in the folder of the objective file"
        )
    source = file or (Path(spec.origin) if spec is not None and spec.origin is not None else None)
    if source is not None and source.suffix == ".py" and not _defines(source, function):
        raise _no_function(function, source)
    return file


def load_function(reference: str, folder: Path) -> "UserFunction":
    """Load the function `module:function`; the module lies in `folder` or is installed.

    Raises:
        ObjectiveError: If there is no such module or function, or the module cannot be imported.
    """
    file = check_function(reference, folder)
    name, _, function_name = reference.partition(":")
    own = f"{_package_of(folder.resolve())}.{name}" if file is not None else name
    try:
        with _at_home(folder.resolve()):
            module = importlib.import_module(own)
    # Importing runs the user's code, which may raise anything, or end as a script does.
    except (Exception, SystemExit) as error:
        raise ObjectiveError(
            f"python: expected a module {name} that can be imported, found: {_place(error, folder.resolve())}"
            f"{type(error).__name__}: {error}"
        ) from error
    if not callable(getattr(module, function_name, None)):
        raise _no_function(function_name, Path(module.__file__ or name))
    return UserFunction(module, function_name, folder.resolve())


def _place(error: BaseException, folder: Path) -> str:
    """Return the innermost line of what lies in `folder` that an error came through, such as `assay.py line 7: `."""
    lines = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    if isinstance(error, SyntaxError) and error.filename is not None:
        lines.append((error.filename, error.lineno or 0))
    own = [
        (Path(file), line)
        for file, line in lines
        # Not what is installed into an environment that happens to be in the folder.
        if Path(file).is_relative_to(folder) and "site-packages" not in Path(file).parts
    ]
    return f"{own[-1][0].relative_to(folder)} line {own[-1][1]}: " if own else ""


def forget_modules(folder: Path) -> None:
    """Let the modules that lie in `folder` be loaded anew, in a process that outlives a change of their sources."""
    own = _package_name(folder.resolve())
    for name in [name for name in sys.modules if name == own or name.startswith(f"{own}.")]:
        del sys.modules[name]
    _siblings.pop(folder.resolve(), None)


class UserFunction:
    """A user's function, which finds what lies beside its module whenever it is called."""

    def __init__(self, module: ModuleType, name: str, folder: Path) -> None:
        """Take the function `name` of a loaded module that lies in `folder`, or is installed."""
        self._function = getattr(module, name)
        self._folder = folder

    def __call__(self, smiles: list[str]) -> list[float]:
        """Return what the function returns for N SMILES, as floats."""
        with _at_home(self._folder):
            return [float(value) for value in self._function(smiles)]


def _no_function(function: str, file: Path) -> ObjectiveError:
    return ObjectiveError(f"python: expected a function {function} in {file}, found none")


def _installed(module: str) -> ModuleSpec | None:
    """Find a module on Python's path; unlike importlib's own function, without importing the packages that it is in."""
    top, *parts = module.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return None
    name = top
    for part in parts:
        if spec is None or spec.submodule_search_locations is None:
            return None
        name += f".{part}"
        spec = PathFinder.find_spec(name, list(spec.submodule_search_locations))
    return spec


def _defines(source: Path, name: str) -> bool:
    """Say whether a module's top level gives a meaning to `name`; a star import may give one to any."""
    try:
        text = source.read_text(encoding="utf-8")
        top = symtable.symtable(text, str(source), "exec")
    except (OSError, SyntaxError, ValueError) as error:
        raise ObjectiveError(f"python: expected Python source in {source}, found something else ({error})") from error
    if "import *" in text or "__getattr__" in top.get_identifiers():
        return True
    if name not in top.get_identifiers():
        return False
    symbol = top.lookup(name)
    return symbol.is_assigned() or symbol.is_imported()


def _package_name(folder: Path) -> str:
    return f"_molvae_objective_{hashlib.sha256(str(folder).encode()).hexdigest()[:16]}"


def _package_of(folder: Path) -> str:
    """Return the name of the package whose modules are the files of `folder`."""
    name = _package_name(folder)
    if name not in sys.modules:
        package = ModuleType(name, f"Modules beside the objectives in {folder}.")
        package.__path__ = [str(folder)]
        sys.modules[name] = package
    importlib.invalidate_caches()
    return name


@contextmanager
def _at_home(folder: Path) -> Iterator[None]:
    """Let `import helper` find what lies in `folder`, and keep it apart from a helper of another folder."""
    own = _siblings.setdefault(folder, {})
    others = set(sys.modules)
    sys.path.insert(0, str(folder))
    sys.modules.update({name: module for name, module in own.items() if name not in others})
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name in set(sys.modules) - others:
            if name.partition(".")[0] not in others and _lies_in(sys.modules[name], name, folder):
                own[name] = sys.modules.pop(name)


def _lies_in(module: ModuleType, name: str, folder: Path) -> bool:
    file = getattr(module, "__file__", None)
    if file is None or not Path(file).is_relative_to(folder):
        return False
    # Not what is installed into an environment that happens to be in the folder.
    return Path(file).relative_to(folder).parts[0].split(".")[0] == name.partition(".")[0]
