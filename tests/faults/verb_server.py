"""A process that has loaded molvae's libraries and runs verbs in forks of itself, so that each starts at once.

Reads a request as JSON from each line of its standard input and answers with a line of JSON: the process id of a verb
that was started, and when asked to wait for it, its status. A forked verb is a process like any other: it may be
killed, its files and memory may be limited, and its output folder may be read-only.
"""

import ctypes
import json
import os
import resource
import sys

# All that the verbs load, and nothing that starts a thread.
import molvae.evaluate
import molvae.learned
import molvae.optimize.stage
import molvae.prepare
import molvae.propose
import molvae.report
import molvae.sample
import molvae.score.stage
import molvae.train.stage  # noqa: F401
from molvae.cli import main

_NEW_NAMESPACE, _BIND, _READ_ONLY, _REMOUNT, _RECURSIVE, _PRIVATE = 0x20000, 4096, 1, 32, 16384, 1 << 18
NO_MOUNT = 77
"""Exit status where this machine does not let a folder be made read-only."""


def make_read_only(folder):
    """Let a folder be read-only for this process alone, also if it is root's, to whom modes mean nothing."""
    if os.geteuid() != 0:
        os.chmod(folder, 0o555)
        return
    system, path = ctypes.CDLL(None, use_errno=True), os.fsencode(folder)
    for step in (
        lambda: system.unshare(_NEW_NAMESPACE),
        lambda: system.mount(None, b"/", None, _RECURSIVE | _PRIVATE, None),
        lambda: system.mount(path, path, None, _BIND, None),
        lambda: system.mount(None, path, None, _REMOUNT | _BIND | _READ_ONLY, None),
    ):
        if step() != 0:
            os._exit(NO_MOUNT)


def used_address_space():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


def run(request):
    output = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.setpgid(0, 0)
    if "file_bytes" in request:
        resource.setrlimit(resource.RLIMIT_FSIZE, (request["file_bytes"], resource.RLIM_INFINITY))
    if "read_only" in request:
        make_read_only(request["read_only"])
    if "memory_bytes" in request:
        limit = used_address_space() + request["memory_bytes"]
        resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
    sys.argv = ["molvae", *request["arguments"]]
    status = 1
    try:
        main.run()
    except SystemExit as ended:
        status = ended.code
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def serve():
    for line in sys.stdin:
        request = json.loads(line)
        if "wait" in request:
            answer = os.waitstatus_to_exitcode(os.waitpid(request["wait"], 0)[1])
        else:
            answer = os.fork()
            if answer == 0:
                run(request)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    serve()
