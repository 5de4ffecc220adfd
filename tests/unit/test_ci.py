"""What CI runs, and what it leaves alone on the machine of somebody who runs it too."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# In name spaces of its own, in which /etc is another folder.
ELSEWHERE = [
    "unshare",
    "--user",
    "--map-root-user",
    "--mount",
    "sh",
    "-c",
    'mount --bind "$1" /etc && shift && "$@"',
    "-",
]


def elsewhere(etc, *command):
    return subprocess.run([*ELSEWHERE, etc, *command], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs unshare, found none")
@pytest.mark.parametrize("name", ["slurm.conf", "gres.conf"])
@pytest.mark.parametrize("is_link", [False, True])
def test_the_configuration_of_a_slurm_that_is_there_is_left_alone(tmp_path, name, is_link):
    if elsewhere(tmp_path, "true").returncode:
        pytest.skip("needs name spaces of users, found none")
    config = tmp_path / "slurm" / name
    config.parent.mkdir()
    if is_link:
        config.symlink_to("/opt/slurm/etc/slurm.conf")
    else:
        config.write_text("ClusterName=real")
    # In the place of the program that would install others.
    (tmp_path / "apt-get").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "apt-get").chmod(0o755)
    run = elsewhere(tmp_path, "env", f"PATH={tmp_path}:/usr/bin:/bin", str(ROOT / ".ci/slurm"), "true")
    assert run.returncode == 1
    assert run.stderr == (
        f".ci/slurm: expected no SLURM on this machine, found /etc/slurm/{name}; move it away, or run it elsewhere\n"
    )
    assert config.is_symlink() if is_link else config.read_text() == "ClusterName=real"
