"""The workflow's jobs on Kubernetes: their specifications, which a server that speaks its API takes, checks and runs.

The server is no cluster: it starts the command of a job's container as a process here.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]

pytest.importorskip("snakemake_executor_plugin_kubernetes")
pytest.importorskip("snakemake_storage_plugin_fs")
pytestmark = [
    pytest.mark.slow,
    # The whole workflow, with all files staged.
    pytest.mark.nightly,
    pytest.mark.skipif(shutil.which("rsync") is None, reason="needs rsync, with which Snakemake stages files"),
]

Spec = dict[str, Any]


class Cluster(ThreadingHTTPServer):
    """Runs the jobs that are posted to it; the first of `fails` fails.

    Attributes:
        specs: The specifications of all jobs, in the order in which they came.
    """

    def __init__(self, folder: Path, fails: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.specs: list[Spec] = []
        self._folder, self._fails = folder, fails
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, spec: Spec) -> None:
        self.specs.append(spec)
        [container] = spec["spec"]["template"]["spec"]["containers"]
        command = [*container["command"], *container["args"]]
        if self._fails in command[-1] and len(rules(self.specs)[self._fails]) == 1:
            command = ["false"]
        name = spec["metadata"]["name"]
        (self._folder / name).mkdir()
        with (self._folder / f"{name}.log").open("wb") as log:
            self._processes[name] = subprocess.Popen(
                command, cwd=self._folder / name, env=pod_environment(self._folder), stdout=log, stderr=log
            )

    def status(self, name: str) -> Spec:
        status = self._processes[name].poll()
        return {} if status is None else {"failed": 1} if status else {"succeeded": 1}


class Handler(BaseHTTPRequestHandler):
    """The few requests of the executor plug-in."""

    server: Cluster

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path.endswith("/jobs"):
            self.server.start(body)
        self._answer(body)

    def do_GET(self) -> None:
        if match := re.fullmatch(r"/apis/batch/v1/namespaces/default/jobs/(.+)/status", self.path):
            self._answer({"kind": "Job", "status": self.server.status(match[1])})
        else:
            self._answer({"kind": "PodList", "items": []})

    def do_DELETE(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._answer({"kind": "Status", "status": "Success"})

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self, content: Spec) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())


def pod_environment(folder: Path) -> dict[str, str]:
    """Return the environment of a container, in which `pip` has nothing to install."""
    return {**os.environ, "PATH": f"{folder}:{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": str(folder)}


def rules(specs: list[Spec]) -> dict[str, list[Spec]]:
    """Return the specifications by the rule of the job, or by the first one of a group of them."""
    by_rule: dict[str, list[Spec]] = {}
    for spec in specs:
        command = spec["spec"]["template"]["spec"]["containers"][0]["args"][-1]
        rule = re.search(r"--allowed-rules '?(\w+)", command)[1]
        by_rule.setdefault(rule, []).append(spec)
    return by_rule


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Cluster:
    """A cluster that has run the workflow up to the samples, whose first training has failed."""
    folder = tmp_path_factory.mktemp("kubernetes")
    (folder / "pip").symlink_to(shutil.which("true"))
    # In the volume, as the clone is that the workflow is started in; committed files are sent to each job.
    clone = folder / "project"
    shutil.copytree(ROOT / "workflow", clone / "workflow")
    shutil.copy(ROOT / "Snakefile", clone)
    (clone / "gpu.yaml").write_text("device: auto")
    (clone / "data" / "raw").mkdir(parents=True)
    shutil.copy(ROOT / "data" / "smoke.smi.gz", clone / "data")
    for arguments in (["init", "--quiet"], ["add", "."]):
        subprocess.run(["git", *arguments], cwd=clone, check=True)
    server = Cluster(folder, fails="train")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    (folder / "kubeconfig").write_text(kubeconfig(server.server_port))
    profile = yaml.safe_load((ROOT / "workflow/profiles/kubernetes/config.yaml").read_text())
    profile["jobs"] = 2
    (folder / "config.yaml").write_text(yaml.safe_dump(profile).replace("/project", str(clone)))
    run = subprocess.run(
        [
            *(sys.executable, "-m", "snakemake", "--workflow-profile", folder, "--max-threads", "2"),
            *(
                "--configfile",
                "workflow/config/smoke.yaml",
                "gpu.yaml",
                "--until",
                "sample",
                "--seconds-between-status-checks",
                "1",
            ),
        ],
        cwd=clone,
        env={**os.environ, "KUBECONFIG": str(folder / "kubeconfig")},
        capture_output=True,
        text=True,
        check=False,
    )
    server.shutdown()
    server.server_close()
    assert run.returncode == 0, run.stderr + "".join(path.read_text() for path in folder.glob("*.log"))
    assert (clone / "results/smoke/sample/samples.csv").exists()
    return server


def kubeconfig(port: int) -> str:
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
            "clusters": [{"name": "test", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
            "users": [{"name": "test", "user": {}}],
        }
    )


def test_a_job_that_failed_is_tried_again_with_twice_the_memory(cluster):
    jobs = rules(cluster.specs)
    assert {rule: len(specs) for rule, specs in jobs.items()} == {"prepare": 1, "train": 2, "sample": 1}
    memory = [resources(spec)["memory"] for spec in jobs["train"]]
    assert memory == ["4600M", "9200M"]


def test_specifications_are_those_of_the_api(cluster):
    from kubernetes.client import ApiClient

    for spec in cluster.specs:
        job = ApiClient().deserialize(SimpleNamespace(data=json.dumps(spec)), "V1Job")
        assert ApiClient().sanitize_for_serialization(job) == spec
        assert re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", spec["metadata"]["name"])
        for quantity in resources(spec).values():
            assert re.fullmatch(r"\d+(m|M|Mi)?", quantity)


def test_a_pod_has_the_image_the_volume_and_what_its_rule_asks_for(cluster):
    for spec in cluster.specs:
        pod = spec["spec"]["template"]["spec"]
        [container] = pod["containers"]
        assert container["image"] == "molvae"
        assert {"name": "molvae", "persistentVolumeClaim": {"claimName": "molvae"}} in pod["volumes"]
        assert pod["restartPolicy"] == "Never"
    [prepare] = rules(cluster.specs)["prepare"]
    assert resources(prepare)["cpu"] == "1900m"
    assert resources(prepare)["memory"] == "1600M"
    assert "nvidia.com/gpu" not in resources(prepare)
    assert {resources(train)["nvidia.com/gpu"] for train in rules(cluster.specs)["train"]} == {"1"}


def resources(spec: Spec) -> dict[str, str]:
    return spec["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"]
