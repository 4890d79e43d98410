"""Several calls at a time, one a core: compiling and computing leave the interpreter free."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from experiments.options import cores

In = TypeVar("In")
Out = TypeVar("Out")


def each(function: Callable[[In], Out], items: Sequence[In]) -> list[Out]:
    """The results in the order of the items, begun in that order; after a failure none begins."""
    with ThreadPoolExecutor(cores()) as pool:
        begun = [pool.submit(function, item) for item in items]
        try:
            return [future.result() for future in begun]
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
