"""Processes that work side by side: tasks, failures, interruptions, and who gets what."""

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import CancelledError

import pytest

from experiments import crew, lab, user_file
from experiments.lab import Cell, shares
from tests.strategies import example_logistic_problem, example_problem

PARENT = """
import time
from experiments import crew
from tests.experiments import test_crew
if __name__ == "__main__":
    print(crew.Member().submit(test_crew.name_of_process).result(), flush=True)
    time.sleep(60)
"""


def name_of_process(report):
    return os.getpid()


def count_to(report, number):
    for i in range(number):
        report(i)
    return number


def fail(report):
    raise ZeroDivisionError("of its own")


def vanish(report):
    os._exit(1)


@pytest.fixture(scope="module")
def member():
    return crew.Member()


def test_a_member_is_another_process_and_stays_the_same(member):
    first = member.submit(name_of_process).result()
    assert first == member.submit(name_of_process).result() != os.getpid()


def test_it_reports_as_it_goes(member):
    told = []
    assert member.submit(count_to, 3, tell=told.append).result() == 3
    assert told == [0, 1, 2]


def test_it_stops_at_its_next_report(member):
    stop, told = threading.Event(), []

    def tell(number):
        told.append(number)
        stop.set()

    with pytest.raises(CancelledError):
        member.submit(count_to, 9, tell=tell, stop=stop).result()
    assert told == [0]
    assert member.submit(count_to, 2).result() == 2


def test_what_is_raised_there_is_raised_here(member):
    with pytest.raises(ZeroDivisionError, match="of its own") as caught:
        member.submit(fail).result()
    assert "test_crew.py" in caught.value.__notes__[0]


def test_a_process_that_is_gone_is_said_to_be_and_replaced(member):
    with pytest.raises(crew.WorkerError, match="ended before its task did"):
        member.submit(vanish).result()
    assert member.submit(count_to, 1).result() == 1


def test_results_come_in_the_order_of_the_items(monkeypatch, member):
    monkeypatch.setattr(crew, "members", lambda count: [member])
    assert crew.each(count_to, [3, 1, 2], 1) == [3, 1, 2]


def test_a_member_ends_with_the_process_it_works_for():
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        os.kill(parent.pid, signal.SIGKILL)
    for _ in range(100):
        if not _runs(child):
            return
        time.sleep(0.1)
    pytest.fail(f"process {child} runs on")


def _runs(process):
    try:
        with open(f"/proc/{process}/stat") as file:
            return file.read().split()[2] != "Z"
    except FileNotFoundError:
        return False


def test_only_what_modules_define_can_be_sent():
    assert crew.can_send(name_of_process)
    assert not crew.can_send(lambda: 0)
    path, name = user_file.locate("experiments/scores/margin_times_norm.py:margin_times_norm")
    assert not crew.can_send(user_file.load(path, name))


def _cells(problem, sizes):
    return [Cell(problem, dim, count, 64) for dim, count in sizes]


def test_cells_of_one_shape_go_together_and_none_is_lost():
    linear = _cells(example_problem(), [(3, 100), (3, 101), (4, 100), (5, 400)])
    logistic = _cells(example_logistic_problem(), [(3, 100), (3, 101), (4, 100), (5, 400)])
    found = shares([*linear, *logistic], 2)
    assert len(found) == 2
    assert sorted(c.identity for share in found for c in share) == sorted(
        c.identity for c in [*linear, *logistic]
    )
    shapes = [{cell.shape for cell in share} for share in found]
    assert not shapes[0] & shapes[1]
    assert abs(len(shapes[0]) - len(shapes[1])) <= 2


def test_a_shape_that_is_most_of_the_work_is_split():
    large = [Cell(example_problem(), 3, 100, 10_000_000 + i) for i in range(6)]
    first, second = shares(large, 2)
    assert len(first) == len(second) == 3
    assert shares(large[:1], 2) == [large[:1], []]


def test_a_laboratory_of_one_worker_needs_no_crew(monkeypatch):
    monkeypatch.setattr(lab.crew, "members", lambda count: pytest.fail("a crew was asked for"))
    with lab.Lab(None, 0) as alone:
        assert not alone._is_worth_a_crew([Cell(example_problem(), 3, 100, 10**9)])
