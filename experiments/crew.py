"""Processes that work side by side, one a core.

Within one process programs of XLA take turns: its pool has a single thread (see
`runner.prepare_jax`), and tracing holds the interpreter. A member of the crew is a process that
waits for work at its end of a pipe. It keeps what it has compiled, reports as it goes, and ends
when the other end is closed, however that comes about.
"""

import functools
import multiprocessing
import pickle
import signal
import threading
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from itertools import pairwise
from typing import Any

from experiments.compiled import drop_when_crowded
from experiments.user_file import PREFIX


class WorkerError(RuntimeError):
    """A process of the crew is gone."""


class Member:
    """A process, started with its first task; tasks are done one after the other."""

    def __init__(self) -> None:
        self._pipe: Any = None
        self._tasks = ThreadPoolExecutor(1)

    def submit(
        self,
        task: Callable[..., Any],
        *args: Any,
        tell: Callable[[Any], None] = lambda told: None,
        stop: threading.Event | None = None,
    ) -> "Future[Any]":
        """Have ``task(report, *args)`` done there.

        Args:
            task: a function of a module; its first argument passes on what ``tell`` is told.
            args: whatever can be pickled.
            tell: called here, with each report.
            stop: if set, the task ends at its next report, and its future raises CancelledError.
        """
        return self._tasks.submit(self._await, pickle.dumps((task, args)), tell, stop)

    def _await(
        self, message: bytes, tell: Callable[[Any], None], stop: threading.Event | None
    ) -> Any:
        if stop is not None and stop.is_set():
            raise CancelledError
        pipe, self._pipe = self._pipe or _recruit(), None
        try:
            kind, content = _converse(pipe, message, tell, stop)
        except (EOFError, OSError) as error:
            raise WorkerError(
                "a worker process ended before its task did; it may have run out of memory. What "
                "was finished is stored"
            ) from error
        self._pipe = pipe  # of a conversation that came to its end
        if kind == "stopped":
            raise CancelledError
        if kind == "failed":
            raise content
        return content


@functools.cache
def members(count: int) -> "list[Member]":
    """The crew of this process."""
    return [Member() for _ in range(count)]


def can_send(what: object) -> bool:
    """Whether it can go to another process: a function of a user's file has no module there."""
    try:
        return PREFIX.encode() not in pickle.dumps(what)
    except (pickle.PicklingError, AttributeError, TypeError):
        return False


def each(task: Callable[..., Any], items: Sequence[Any], count: int) -> list[Any]:
    """``task(report, item)`` of each item, in their order.

    Neighbours share what is compiled for them, so that each member has a part of its own, and who
    is done with it takes from the end of the longest.
    """
    ends = [k * len(items) // count for k in range(count + 1)]
    parts = [deque(range(low, high)) for low, high in pairwise(ends)]
    found: dict[int, Any] = {}
    lock, stop = threading.Lock(), threading.Event()

    def work(member: Member, own: "deque[int]") -> None:
        while not stop.is_set():
            with lock:
                longest = max(parts, key=len)
                if not longest:
                    return
                place = own.popleft() if own else longest.pop()
            found[place] = member.submit(task, items[place]).result()

    with ThreadPoolExecutor(count) as pool:
        working = [pool.submit(work, *pair) for pair in zip(members(count), parts, strict=True)]
        try:
            for future in working:
                future.result()
        except BaseException:
            stop.set()
            raise
    return [found[place] for place in range(len(items))]


def _converse(
    pipe: Any, message: bytes, tell: Callable[[Any], None], stop: threading.Event | None
) -> tuple[str, Any]:
    """Hand over a task and listen to its end."""
    pipe.send_bytes(message)
    while True:
        kind, content = pipe.recv()
        if kind != "report":
            return kind, content
        tell(content)
        pipe.send(stop is not None and stop.is_set())


def _recruit() -> Any:
    import jax

    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    cache = jax.config.values["jax_compilation_cache_dir"]
    least = jax.config.values["jax_persistent_cache_min_compile_time_secs"]
    process = context.Process(target=_serve, args=(theirs, cache, least), daemon=True)
    process.start()
    theirs.close()
    return ours


def _serve(pipe: Any, cache: str | None, least: float) -> None:
    """The life of a member; an interruption is for the process that it works for."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from experiments.runner import prepare_jax

    prepare_jax()
    import jax

    jax.config.update("jax_compilation_cache_dir", cache)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", least)

    def report(content: Any) -> None:
        try:
            pipe.send(("report", content))
            stop = pipe.recv()
        except (EOFError, OSError):
            raise SystemExit from None
        if stop:
            raise CancelledError

    while True:
        try:
            message = pipe.recv_bytes()
        except (EOFError, OSError):
            return
        try:
            task, args = pickle.loads(message)
            answer = ("done", task(report, *args))
        except CancelledError:
            answer = ("stopped", None)
        except Exception as error:
            error.add_note(traceback.format_exc())
            answer = ("failed", error if can_send(error) else RuntimeError(traceback.format_exc()))
        try:
            pipe.send(answer)
        except OSError:
            return
        drop_when_crowded()
