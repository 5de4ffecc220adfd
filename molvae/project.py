"""A folder of the user's own in which `snakemake` runs the workflow that comes with molvae."""

import shutil
from pathlib import Path

from molvae.errors import DataError

_PACKAGE = Path(__file__).parent
# Of an installed package, which setup.py fills, and of a clone of the repository.
_HOMES = (_PACKAGE / "packaged", _PACKAGE.parent)

_COPIED = (
    "workflow/config/**/*.yaml",
    "workflow/schemas/*.json",
    "workflow/profiles/*/*.yaml",
    "data/*.smi.gz",
    "data/*.csv",
)
"""What a project has copies of, to change or to learn from; the rules stay in the package."""

_SNAKEFILE = '''\
"""The workflow of molvae, whose rules come from the installed package; see `molvae --help` and the files in workflow/.

snakemake --cores 8                                              # the demo
snakemake --cores 8 --configfile workflow/config/smoke.yaml      # a small run, in about a minute
snakemake --cores 8 --until train                                # up to a stage
"""

from molvae.project import home

# Not merged with a --configfile, which means the same here as in `molvae STAGE --config FILE`.
if not workflow.configfiles:

    configfile: "workflow/config/demo.yaml"


module generate:
    snakefile:
        str(home() / "Snakefile")
    config:
        config


use rule * from generate


onstart:
    generate.onstart()


onsuccess:
    generate.onsuccess()


onerror:
    generate.onerror()
'''


def home() -> Path:
    """Return the folder with the Snakefile of molvae, its `workflow/` and `data/`, and the times of a measured run.

    Raises:
        DataError: If molvae was installed without them.
    """
    for folder in _HOMES:
        if (folder / "Snakefile").is_file():
            return folder
    raise DataError(f"{_PACKAGE}: expected the workflow in the installed package, found none; install molvae again")


def lay(folder: Path) -> list[Path]:
    """Lay a project: a Snakefile that uses the workflow of the installed package, its presets and the demo's molecules.

    Args:
        folder: The project's folder, made if it is not there.

    Returns:
        The files that were written, relative to the folder.

    Raises:
        DataError: If one of them is there already; then nothing is written.
    """
    source = home()
    copied = [path.relative_to(source) for pattern in _COPIED for path in sorted(source.glob(pattern))]
    names = [Path("Snakefile"), *copied]
    for name in names:
        if (folder / name).exists():
            raise DataError(f"{folder / name}: expected no file of a project, found one; choose another folder")
    for name in copied:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / name, folder / name)
    (folder / "Snakefile").write_text(_SNAKEFILE, encoding="utf-8")
    return names
