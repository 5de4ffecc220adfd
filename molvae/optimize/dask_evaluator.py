"""Evaluates molecules on the workers of a dask cluster, on this machine or on others."""

import math
import pickle
import socket
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from functools import lru_cache, partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from molvae.errors import ConfigError, DataError, ObjectiveError
from molvae.log import logger
from molvae.optimize.objective import Evaluation, Objective
from molvae.optimize.user_modules import forget_modules
from molvae.provenance import software

if TYPE_CHECKING:
    from distributed import Client, Future

# Most molecules that are evaluated together: few, so that the workers share them evenly and a lost one loses little.
MAX_CHUNK = 5
# Chunks per worker that are under way.
_AHEAD = 2
# How long to wait for a scheduler, also for one that is started again.
_SECONDS_TO_CONNECT = 60.0


class DaskEvaluator:
    """Evaluates molecules on the workers of a scheduler that is already running.

    The workers need molvae and the objective's folder at the same path. What a worker was doing when it was lost is
    done by another one. If the connection to the scheduler is lost, it is sought for a minute, and what was under way
    is sent again.
    """

    def __init__(self, objective: Objective, scheduler: str, *, feasible_only: bool = False) -> None:
        """Connect to nothing yet.

        Args:
            objective: What to evaluate by.
            scheduler: Address of the scheduler, for example `tcp://10.0.0.1:8786`.
            feasible_only: As in `Objective.evaluate_batch`.
        """
        self._objective = objective
        self._address = scheduler
        self._task = pickle.dumps((objective, objective.identity()["files"], software(), feasible_only))
        self._client: Client | None = None

    def close(self) -> None:
        """End the connection; what waits is cancelled, what a worker is at ends there unheard."""
        if self._client is not None:
            # The scheduler may be gone.
            with suppress(OSError, TimeoutError):
                self._client.close(timeout=5)
            self._client = None

    def evaluate(self, smiles: Sequence[str]) -> Iterator[list[Evaluation]]:
        """Evaluate molecules.

        Args:
            smiles: N SMILES.

        Yields:
            The evaluations of chunks, as they are done.

        Raises:
            ConfigError: If dask is not installed.
            DataError: If there is no scheduler at the address.
            ObjectiveError: If the objective cannot be evaluated on a worker.
        """
        if not smiles:
            return
        waiting = deque(self._chunks(smiles))
        done: SimpleQueue[Future] = SimpleQueue()
        under_way: dict[Future, Sequence[str]] = {}
        try:
            while waiting or under_way:
                self._submit(waiting, under_way, done)
                future = done.get()
                chunk = under_way.pop(future, None)
                # Cancelled with the connection, and sent again since.
                if chunk is None:
                    continue
                try:
                    yield self._result(future, chunk)
                except _WorkerDiedError:
                    # Perhaps of one of the molecules, so each gets a try alone.
                    waiting.extendleft([text] for text in reversed(chunk))
                except CancelledError:
                    logger.warning("%s: the connection was lost; connecting again", self._address)
                    self.close()
                    waiting.extendleft(reversed([chunk, *under_way.values()]))
                    under_way.clear()
        finally:
            if under_way and self._client is not None:
                self._client.cancel(list(under_way))

    def _chunks(self, smiles: Sequence[str]) -> Iterator[Sequence[str]]:
        """Cut molecules into chunks, the first of a single molecule, so that a failure of all shows early."""
        size = max(1, min(MAX_CHUNK, math.ceil(len(smiles) / (_AHEAD * self._n_workers()))))
        yield smiles[:1]
        for begin in range(1, len(smiles), size):
            yield smiles[begin : begin + size]

    def _submit(
        self,
        waiting: deque[Sequence[str]],
        under_way: "dict[Future, Sequence[str]]",
        done: "SimpleQueue[Future]",
    ) -> None:
        """Keep the workers busy."""
        client = self._connected()
        while waiting and len(under_way) < _AHEAD * self._n_workers():
            chunk = waiting.popleft()
            # Not pure: a result of an earlier search that the scheduler still has is not taken for this one's.
            future = client.submit(_evaluate_there, self._task, list(chunk), pure=False)
            under_way[future] = chunk
            future.add_done_callback(done.put)

    def _result(self, future: "Future", chunk: Sequence[str]) -> list[Evaluation]:
        from distributed import KilledWorker
        from distributed.comm import CommClosedError

        try:
            evaluations: list[Evaluation] = future.result()
        except CommClosedError as error:
            raise CancelledError from error
        except KilledWorker as error:
            if len(chunk) > 1:
                raise _WorkerDiedError from error
            return [self._objective.without_score(chunk[0], "failed", "each worker that scored it died")]
        return evaluations

    def _n_workers(self) -> int:
        return max(1, len(self._connected().scheduler_info(n_workers=-1)["workers"]))

    def _connected(self) -> "Client":
        if self._client is None:
            try:
                from distributed import Client
            except ImportError as error:
                raise ConfigError(
                    "optimize.executor: expected the package distributed, found none; pip install 'molvae[dask]'"
                ) from error
            try:
                self._client = Client(self._address, timeout=_SECONDS_TO_CONNECT, set_as_default=False, name="molvae")
            except (OSError, TimeoutError, ValueError) as error:
                raise DataError(
                    f"optimize.scheduler: expected a dask scheduler at {self._address}, found none ({error}); start "
                    "one or correct the address, and run the same command again"
                ) from error
            if not self._client.scheduler_info(n_workers=-1)["workers"]:
                logger.warning("%s: the scheduler has no worker yet; waiting for one", self._address)
        return self._client


class _WorkerDiedError(Exception):
    """Several workers, one after the other, have died of a chunk."""


_lock = threading.Lock()


def _evaluate_there(task: bytes, smiles: Sequence[str]) -> list[Evaluation]:
    """Evaluate molecules in a worker; one chunk at a time, since a user's function may not be made for threads."""
    with _lock:
        evaluations: list[Evaluation] = _function(task)(smiles)
        return evaluations


@lru_cache(maxsize=1)
def _function(task: bytes) -> Any:
    try:
        objective, files, versions, feasible_only = pickle.loads(task)
    except ObjectiveError as error:
        raise ObjectiveError(f"dask worker on {socket.gethostname()}: {error}") from None
    if software() != versions:
        raise ObjectiveError(
            f"{objective.name}: expected the same versions on all machines ({versions}), found {software()} by a dask "
            f"worker on {socket.gethostname()}; install the same there"
        )
    if objective.identity()["files"] != files:
        raise ObjectiveError(
            f"{objective.name}: expected the same files in {objective.folder} on all machines, found others by a dask "
            f"worker on {socket.gethostname()}; share the folder"
        )
    # A worker outlives a search: it may have loaded an older version of a user's module.
    forget_modules(objective.folder)
    return partial(objective.evaluate_batch, feasible_only=feasible_only)
