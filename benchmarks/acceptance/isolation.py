"""Running a check where its worst cannot stop the run: in a process of its own, with a time limit.

TensorRT and CUDA end a process on some faults, and a CUDA error can spoil everything that a process does on
the GPU afterwards; neither may cost the other checks, nor the report.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from acceptance.report import CheckResult, Status
from edge_irdet.errors import EdgeIrdetError, ExtraMissingError

ENDING_SECONDS = 5.0
"""How long a process may take to end once it has been told to."""


class CheckSkippedError(Exception):
    """Raised by a check that finds that it cannot run; the text is the reason."""


class CheckFailedError(Exception):
    """Raised by a check whose comparison did not hold; the text says which, with both values."""


class Findings:
    """What a check says while it runs; it reaches the report also where the check then crashes.

    Args:
        send: takes each message.
    """

    def __init__(self, send: Callable[[tuple[Any, ...]], None]) -> None:
        self._send = send

    def add(self, **figures: Any) -> None:
        """Add figures; values JSON can hold, or floats that are not finite."""
        self._send(("figures", figures))


CheckFunction = Callable[..., None]
"""``function(findings, *arguments)``; raises, or returns where everything held. A function of a module."""


@dataclass(frozen=True)
class Check:
    """A check to run."""

    name: str
    function: CheckFunction
    arguments: tuple[Any, ...] = ()
    """Picklable."""


def run_isolated(check: Check, timeout: float) -> CheckResult:
    """Run a check in a new process.

    Args:
        check: what.
        timeout: seconds after which it counts as hanging, and is ended.
    """
    started = time.monotonic()
    context = multiprocessing.get_context("spawn")  # a fork must not inherit a CUDA context
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(sender, check.function, check.arguments), daemon=True)
    process.start()
    sender.close()
    figures: dict[str, Any] = {}
    outcome: tuple[Status, str] | None = None
    try:
        while outcome is None and receiver.poll(max(0.0, started + timeout - time.monotonic())):
            kind, *content = receiver.recv()
            if kind == "figures":
                figures.update(content[0])
            else:
                outcome = (Status(content[0]), content[1])
        if outcome is None:
            process.kill()
            outcome = (Status.FAILED, f"it had not ended after {timeout:g} s, and was ended")
    except (EOFError, OSError):  # OSError: it died in the middle of a message
        process.join(ENDING_SECONDS)
        outcome = (Status.FAILED, f"its process ended without a word: {_how_it_ended(process.exitcode)}")
    finally:
        receiver.close()
        _end(process)
    status, reason = outcome
    return CheckResult(check.name, status, reason, figures, round(time.monotonic() - started, 3))


def outcome_of(function: CheckFunction, findings: Findings, arguments: tuple[Any, ...]) -> tuple[Status, str]:
    """Run a check here, and say what became of it."""
    try:
        function(findings, *arguments)
    except CheckSkippedError as error:
        return Status.SKIPPED, str(error)
    except ExtraMissingError as error:
        return Status.SKIPPED, str(error)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] in ("edge_irdet", "acceptance"):
            return Status.FAILED, traceback.format_exc()
        return Status.SKIPPED, f"the Python module {error.name} is not installed"
    except (CheckFailedError, EdgeIrdetError) as error:
        return Status.FAILED, str(error)
    except Exception:
        return Status.FAILED, traceback.format_exc()
    return Status.PASSED, ""


def _child(sender: Connection, function: CheckFunction, arguments: tuple[Any, ...]) -> None:
    # Native libraries print where they like; standard output is for the report alone.
    os.dup2(2, 1)
    status, reason = outcome_of(function, Findings(sender.send), arguments)
    sender.send(("outcome", status.value, reason))
    sender.close()


def _how_it_ended(code: int | None) -> str:
    if code is None:
        return "it is still running"
    if code >= 0:
        return f"exit code {code}"
    with contextlib.suppress(ValueError):
        return signal.Signals(-code).name
    return f"signal {-code}"


def _end(process: Any) -> None:
    process.join(ENDING_SECONDS)
    if process.is_alive():
        process.kill()
        process.join(ENDING_SECONDS)
