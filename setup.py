"""What pyproject.toml cannot say: files outside the package's folder that are installed inside it."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
# Folder in the package, and the files under a folder of the repository that it holds.
INSTALLED = {
    "models": ("data/models", ("*/*",)),
    "packaged": (".", ("Snakefile", "workflow/**/*", "data/*.smi.gz", "data/*.csv", "benchmarks/demo.json")),
}


class BuildWithFiles(build_py):
    """Build the package and copy the trained models and the workflow into it."""

    def run(self) -> None:
        """Build; an editable installation finds the files where they are."""
        super().run()
        if self.editable_mode:
            return
        for name, (source, patterns) in INSTALLED.items():
            installed = Path(self.build_lib) / "molvae" / name
            shutil.rmtree(installed, ignore_errors=True)
            for path in (path for pattern in patterns for path in (ROOT / source).glob(pattern) if path.is_file()):
                target = installed / path.relative_to(ROOT / source)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)


setup(cmdclass={"build_py": BuildWithFiles})
