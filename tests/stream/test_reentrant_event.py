from __future__ import annotations

import subprocess
import sys
import threading

from edge_irdet.stream.reentrant_event import ReentrantEvent

SIGNALLED = """
import signal
from edge_irdet.stream.reentrant_event import ReentrantEvent

event = ReentrantEvent()
signals = 0

def handle(number, frame):
    global signals
    signals += 1
    event.set()

signal.signal(signal.SIGALRM, handle)
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
while signals < 300:
    event.set()
signal.setitimer(signal.ITIMER_REAL, 0)
"""


def test_a_signal_handler_may_set_it_while_it_is_being_set() -> None:
    finished = subprocess.run(
        [sys.executable, "-c", SIGNALLED], capture_output=True, text=True, check=False, timeout=120
    )
    assert finished.returncode == 0, finished.stderr


def test_whoever_waits_is_woken() -> None:
    event = ReentrantEvent()
    woken: list[bool] = []
    threads = [threading.Thread(target=lambda: woken.append(event.wait(1e6))) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert not event.is_set()
    event.set()
    for thread in threads:
        thread.join(20)
    assert woken == [True] * 3
    assert event.is_set()
    assert event.wait(1e6)


def test_a_wait_has_an_end() -> None:
    event = ReentrantEvent()
    assert not event.wait(0.0)
    assert not event.wait(0.001)
