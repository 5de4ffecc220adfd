"""What pyproject.toml cannot say: the trained models, which lie in data/models/, are installed inside the package."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

MODELS = Path(__file__).parent / "data" / "models"


class BuildWithModels(build_py):
    """Build the package and copy the trained models into it."""

    def run(self) -> None:
        """Build; an editable installation finds the models where they are."""
        super().run()
        if self.editable_mode:
            return
        installed = Path(self.build_lib) / "molvae" / "models"
        shutil.rmtree(installed, ignore_errors=True)
        for config in MODELS.glob("*/config.json"):
            shutil.copytree(config.parent, installed / config.parent.name)


setup(cmdclass={"build_py": BuildWithModels})
