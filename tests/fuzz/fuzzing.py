"""Runs the fuzz targets: hostile inputs by number, each from its own seed, so that a find can be repeated.

python tests/fuzz/fuzzing.py --inputs 100000              all targets, in turn
python tests/fuzz/fuzzing.py --target manifest --first 4711 --inputs 1     one input again
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import resource
import shutil
import sys
import tempfile
import time
import traceback
from dataclasses import asdict, dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from mutation import Mutator
from targets import TARGETS

from edge_irdet.errors import EdgeIrdetError

LONGEST_SECONDS = 10.0
"""An input that takes longer is a hang."""

MOST_MEMORY_BYTES = 1 << 30
"""Memory by which the process may grow."""


@dataclass
class Find:
    """An input that the package did not withstand."""

    target: str
    number: int
    problem: str
    trace: str


@dataclass
class FuzzReport:
    """What a run gave."""

    inputs: dict[str, int] = field(default_factory=dict)
    """Inputs by target."""

    refused: dict[str, int] = field(default_factory=dict)
    """Of these, refused with a coded error."""

    finds: list[Find] = field(default_factory=list)
    seconds: float = 0.0
    grown_bytes: int = 0
    """By how much the largest memory of the process grew."""


def run_input(target: str, number: int, folder: Path) -> tuple[bool, Find | None]:
    """Run one input; whether it was refused with a code, and the find if it is one."""
    own = folder / "input"
    own.mkdir()
    started = time.monotonic()
    refused = False
    try:
        TARGETS[target](Mutator(number), own)
    except EdgeIrdetError as error:
        refused = True
        try:
            str(error).encode()
        except UnicodeEncodeError:
            return refused, Find(target, number, "an error's text cannot be printed", traceback.format_exc())
    except Exception as error:
        return refused, Find(target, number, f"{type(error).__name__}: {error}"[:300], traceback.format_exc())
    finally:
        shutil.rmtree(own)
    seconds = time.monotonic() - started
    if seconds > LONGEST_SECONDS:
        return refused, Find(target, number, f"took {seconds:.1f} s", "")
    return refused, None


def fuzz(targets: list[str], first: int, inputs: int, seconds: float | None = None) -> FuzzReport:
    """Run inputs of several targets in turn.

    Args:
        targets: names.
        first: number of the first input; each number is a seed.
        inputs: how many in all.
        seconds: end sooner after so long.
    """
    report = FuzzReport(dict.fromkeys(targets, 0), dict.fromkeys(targets, 0))
    started, before = time.monotonic(), _largest_memory()
    with tempfile.TemporaryDirectory() as folder:
        for count in range(inputs):
            if seconds is not None and time.monotonic() - started > seconds:
                break
            target = targets[count % len(targets)]
            # A hang ends the process with every thread's stack, and with the number of the input.
            faulthandler.dump_traceback_later(6 * LONGEST_SECONDS, exit=True)
            refused, find = run_input(target, first + count, Path(folder))
            faulthandler.cancel_dump_traceback_later()
            report.inputs[target] += 1
            report.refused[target] += refused
            if find is not None:
                report.finds.append(find)
    report.seconds = time.monotonic() - started
    report.grown_bytes = _largest_memory() - before
    if report.grown_bytes > MOST_MEMORY_BYTES:
        report.finds.append(Find("all", first, f"memory grew by {report.grown_bytes >> 20} MiB", ""))
    return report


def _largest_memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--target", choices=sorted(TARGETS), action="append", help="only these")
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--first", type=int, default=0, help="number of the first input")
    parser.add_argument("--seconds", type=float, help="end after so long")
    arguments = parser.parse_args()
    report = fuzz(arguments.target or list(TARGETS), arguments.first, arguments.inputs, arguments.seconds)
    for find in report.finds:
        print(f"{find.target} {find.number}: {find.problem}\n{find.trace}", file=sys.stderr)
    print(json.dumps({**asdict(report), "finds": len(report.finds)}, indent=2))
    return 1 if report.finds else 0


if __name__ == "__main__":
    sys.exit(main())
