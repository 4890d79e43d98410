"""The options that commands share."""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Output:
    """Where results are.

    Args:
        results: folder of results; finished work is stored in its `.cells`, compiled code in its
            `.compiled`.
        overwrite: replace results of the same configuration whose content differs.
    """

    results: Path = Path("results")
    overwrite: bool = False


@dataclass(frozen=True)
class Options(Output):
    """Where results are, and whether to make them.

    Args:
        dry_run: list the cells, which are stored, estimated time and memory; compute nothing.
    """

    dry_run: bool = False

    @property
    def cells(self) -> Path:
        """The folder of the cell store."""
        return self.results / ".cells"


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
