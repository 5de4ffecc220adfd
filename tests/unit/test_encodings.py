"""Text files are read and written as UTF-8 on every machine, whatever its locale is."""

import ast
from pathlib import Path

import molvae

TEXT_CALLS = {"read_text", "write_text", "open", "fdopen", "TextIOWrapper", "NamedTemporaryFile"}
PROGRAM_CALLS = {"run", "Popen", "check_output"}
OTHER_OPENERS = {"os", "gzip", "bz2", "zstd", "TokenStore", "Molecules"}
"""Owners of an `open` that is no text file's: binary by default, or a class of molvae."""


def without_encoding(source: str) -> list[str]:
    """Return the calls that open a file as text, or talk to a program, and leave the encoding to the locale."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return [f"line {call.lineno}: {ast.unparse(call)}" for call in calls if leaves_it_open(call)]


def leaves_it_open(call: ast.Call) -> bool:
    function = call.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    keywords = {keyword.arg: keyword.value for keyword in call.keywords}
    if "encoding" in keywords:
        return False
    if name in TEXT_CALLS:
        literals = [node.value for node in ast.walk(call) if isinstance(node, ast.Constant)]
        is_binary = any(value in ("rb", "wb", "ab", "r+b") for value in literals)
        is_other = isinstance(function, ast.Attribute) and getattr(function.value, "id", "") in OTHER_OPENERS
        return not is_binary and not is_other
    return name in PROGRAM_CALLS and not keywords.keys().isdisjoint({"text", "universal_newlines"})


def test_every_text_file_has_its_encoding_named():
    folder = Path(molvae.__file__).parent
    unnamed = {
        str(path.relative_to(folder)): calls
        for path in sorted(folder.rglob("*.py"))
        if (calls := without_encoding(path.read_text(encoding="utf-8")))
    }
    assert unnamed == {}


def test_the_check_sees_what_it_is_for():
    source = "path.read_text()\nopen('a')\nopen('a', 'rb')\npath.open('w', encoding='utf-8')\nrun(['a'], text=True)\n"
    assert without_encoding(source) == [
        "line 1: path.read_text()",
        "line 2: open('a')",
        "line 5: run(['a'], text=True)",
    ]
