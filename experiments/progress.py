"""Progress of a run: a live bar on a terminal, a few plain lines elsewhere; compiling apart."""

import threading
import time
from typing import Any, Self

COMPILE_EVENTS = "/jax/core/compile/"
PLAIN_STEP = 0.2  # without a terminal, a line at every fifth of the work


class CompileClock:
    """Seconds that JAX spends tracing and compiling while the clock is open."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __enter__(self) -> Self:
        from jax import monitoring

        monitoring.register_event_duration_secs_listener(self._listen)
        return self

    def __exit__(self, *_: object) -> None:
        from jax import monitoring

        monitoring.unregister_event_duration_listener(self._listen)

    def lap(self) -> float:
        """The seconds since the last lap, or the start."""
        since, self.seconds = self.seconds, 0.0
        return since

    def _listen(self, event: str, duration_secs: float, **_: str | int) -> None:
        if event.startswith(COMPILE_EVENTS):
            self.seconds += duration_secs


class Progress:
    """Counts work (normals drawn) and says when it will be done.

    Args:
        console: a rich console.
        title: what runs.
        workers: how many work at it; compiling is counted in seconds of a worker.
    """

    def __init__(self, console: Any, title: str, workers: int = 1) -> None:
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as Bar

        columns = [TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[note]}")]
        self._bar = Bar(*columns, console=console, disable=not console.is_terminal, transient=True)
        self._task = self._bar.add_task(title, total=None, note="compiling")
        self._console, self._title, self._workers = console, title, workers
        self._total = self._done = self._drawn = self._said = 0.0
        self._lock = threading.Lock()
        self.clock = CompileClock()

    def __enter__(self) -> Self:
        self._began = time.perf_counter()
        self.clock.__enter__()
        self._bar.__enter__()
        return self

    def __exit__(self, *exception: Any) -> None:
        self._bar.__exit__(*exception)
        self.clock.__exit__(*exception)

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self._began

    @property
    def compiling(self) -> float:
        """Seconds of a worker spent compiling, as a share of the time of all workers."""
        return min(self.clock.seconds / self._workers, self.seconds)

    def extend(self, work: float) -> None:
        """There is more work to do."""
        with self._lock:
            self._total += work
            self._bar.update(self._task, total=self._total)

    def advance(self, work: float, cached: bool) -> None:
        """Some of the work is done; cached work says nothing about the speed."""
        with self._lock:
            self._done += work
            self._drawn += 0.0 if cached else work
            self._bar.update(self._task, completed=self._done, note=self._note())
            share = self._done / self._total
            if not self._console.is_terminal and share >= self._said + PLAIN_STEP:
                self._said = share
                self._console.print(f"{self._title}: {share:.0%}, {self._note()}", soft_wrap=True)

    def compiled(self, seconds: float) -> None:
        """Another process spent these seconds compiling."""
        self.clock.seconds += seconds

    def _note(self) -> str:
        spent = f"{self.seconds:.0f} s, of which compiling {self.compiling:.0f} s"
        busy = self.seconds - self.compiling
        if self._done >= self._total or self._drawn <= 0.0 or busy <= 0.0:
            return spent
        return f"{spent}, ETA {(self._total - self._done) * busy / self._drawn:.0f} s"
