"""Cut an SD file into records, and read the structure of one."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rdkit import Chem

from molvae.chem.molecules import several_molecules
from molvae.chem.quiet import quiet

_END, _STRUCTURE_END = "$$$$", "M  END"
_COUNTS = re.compile(r".{6,}V[23]000\s*$")
_FIELD = re.compile(r">.*?<(.*)>")
# Lines: a file that is no SD file would otherwise be one record, held in memory.
_MAX_LINES = 100_000
_MAX_FIELDS = 1_000
_CX_FIELDS = (
    Chem.CXSmilesFields.CX_ENHANCEDSTEREO
    | Chem.CXSmilesFields.CX_LINKNODES
    | Chem.CXSmilesFields.CX_POLYMER
    | Chem.CXSmilesFields.CX_ATOM_PROPS
)


@dataclass(frozen=True, slots=True)
class SdfRecord:
    """A record of an SD file.

    Attributes:
        line: Line on which it starts, from 1.
        title: Its first line.
        structure: The lines of its structure, empty if there is a problem.
        fields: Its data fields: the first line of each.
        problem: Why there is no structure.
    """

    line: int
    title: str
    structure: str
    fields: dict[str, str]
    problem: str


def sdf_records(lines: Iterator[str]) -> Iterator[SdfRecord]:
    """Yield the records of an SD file; what is blank between two end lines is none, and the last one may lack its."""
    block: list[str] = []
    start = number = 1
    for number, line in enumerate(lines, start=1):
        if line.startswith(_END):
            if any(map(str.strip, block)):
                yield _record(start, number - start, block)
            block, start = [], number + 1
        elif len(block) <= _MAX_LINES:
            block.append(line)
    if any(map(str.strip, block)):
        yield _record(start, number - start + 1, block)


def _record(start: int, n_lines: int, block: list[str]) -> SdfRecord:
    title = block[0].strip()
    if len(block) > _MAX_LINES:
        return SdfRecord(start, title, "", {}, f"a record of {n_lines} lines")
    end = next((at for at, line in enumerate(block) if line.startswith(_STRUCTURE_END)), None)
    if end is None:
        end = next((at for at, line in enumerate(block) if line.startswith(">")), len(block)) - 1
        return SdfRecord(start, title, "", _fields(block[end + 1 :]), f"no line {_STRUCTURE_END} after the structure")
    data = block[end + 1 :]
    if _has_structure(data):
        return SdfRecord(start, title, "", _fields(data), f"several structures without {_END} between them")
    return SdfRecord(start, title, "".join(block[: end + 1]), _fields(data), "")


def is_counts_line(line: str) -> bool:
    """Say whether a line may be the fourth of a structure, which counts its atoms and names the version."""
    return _COUNTS.match(line) is not None


def _has_structure(data: Sequence[str]) -> bool:
    """Say whether a further structure follows, whose record has lost its end line, and not one that is a field's."""
    return any(
        _COUNTS.match(line) and not (at >= 4 and data[at - 4].startswith(">"))
        for at, line in enumerate(data)
        if "000" in line
    )


def _fields(data: Sequence[str]) -> dict[str, str]:
    """Return the values of the data fields, each of the lines up to the first blank one."""
    fields: dict[str, list[str]] = {}
    # Of a field that is not taken, since it has come before or there are too many.
    nobodys: list[str] = []
    value = nobodys
    for line in data:
        if line.startswith(">") and (name := _FIELD.match(line)):
            is_taken = name[1].strip() not in fields and len(fields) < _MAX_FIELDS
            value = fields.setdefault(name[1].strip(), []) if is_taken else nobodys
        elif line.strip():
            value.append(line.strip())
        else:
            value = nobodys
    return {name: "\n".join(lines) for name, lines in fields.items()}


def structure_smiles(structure: str) -> tuple[str, str]:
    """Return the SMILES of a structure, and why there is none.

    A structure that breaks the rules of valence is written as it stands, so that the reject shows it; one that stands
    for several molecules has an extension that says so.
    """
    with quiet():
        try:
            mol = _mol_of(structure, sanitize=True) or _mol_of(structure, sanitize=False)
            if mol is None:
                return "", _why_unreadable(structure)
            return (_smiles(mol), "") if mol.GetNumAtoms() else ("", "a structure without atoms")
        # RDKit keeps some parts of a structure as text, and fails on them only where they are used.
        except (ValueError, RuntimeError) as error:
            return "", f"a structure that RDKit cannot write as SMILES ({' '.join(str(error).split())})"


def _mol_of(structure: str, *, sanitize: bool) -> Chem.Mol | None:
    return Chem.MolFromMolBlock(structure, sanitize=sanitize)


def _smiles(mol: Chem.Mol) -> str:
    several = several_molecules(mol)
    if not several and not mol.GetStereoGroups():
        return Chem.MolToSmiles(mol)
    movable = [bond for bond in mol.GetBonds() if bond.HasProp("_MolFileBondEndPts")]
    if movable:
        # RDKit reads this extension, and does not write it.
        smiles = Chem.MolToSmiles(mol)
        order = list(mol.GetPropsAsDict(includePrivate=True, includeComputed=True)["_smilesAtomOutputOrder"])
        return f"{smiles} |{','.join(_movable(bond, order) for bond in movable)}|"
    mol.RemoveAllConformers()
    return Chem.MolToCXSmiles(mol, Chem.SmilesWriteParams(), _CX_FIELDS)


def _movable(bond: Chem.Bond, order: Sequence[int]) -> str:
    """Write which atoms the first atom of a bond may stand for."""
    ends = bond.GetProp("_MolFileBondEndPts").strip("()").split()[1:]
    return f"m:{order.index(bond.GetBeginAtomIdx())}:" + ".".join(
        str(order.index(int(at) - 1)) for at in ends if int(at) <= len(order)
    )


def _why_unreadable(structure: str) -> str:
    lines = structure.splitlines()[4:]
    gap = next((at for at, line in enumerate(lines, start=5) if not line.strip()), None)
    if gap is not None:
        return f"a blank line within the structure, its line {gap}"
    return "no structure that can be read"
