"""Runs the streaming runtime for minutes or hours under random faults, and accounts for every one of them.

    python benchmarks/stream_soak.py --minutes 3 --seed 0
    make soak

Two cameras stall, fall silent, hang in a read, tear frames, skip numbers, change size, disconnect and refuse
to come back, all at random by a seed; one output fails for stretches; records go to a file. The detector is
the real one. Half of the time the policy is ``lossless``, half ``latest``. It ends with exit code 0 where

- no record was lost or repeated in lossless mode, and in latest mode every frame is a record or counted,
- every injected fault is in the counters, and nothing else is,
- every gap, return and change of size carries its mark,
- memory, open files and threads stayed level.
"""

from __future__ import annotations

import json
import logging
import sys
import tempfile
import threading
import time
from dataclasses import asdict
from pathlib import Path

import click
from soak.faults import RECONNECTION, FailingSink, FaultyCamera, WitnessSink
from soak.resources import ResourceRecorder, Sample, growth

from edge_irdet.detection.detector import Detector, DetectorConfig
from edge_irdet.machine.processor import describe_processor
from edge_irdet.record import decode_record
from edge_irdet.stream.capture import MAX_HUNG_READERS
from edge_irdet.stream.pipeline import Pipeline, PipelineConfig
from edge_irdet.stream.policy import FramePolicy
from edge_irdet.stream.sinks.opening import open_sink
from edge_irdet.tracking import Tracker

CAMERAS = 2
RATE = 15.0
"""Frames a second of each camera: two of them leave a slow machine some air in lossless mode."""

MAX_GROWTH_MIB = 12.0
"""Resident memory may rise by this much between the second quarter of a run and its last."""


def run_phase(policy: FramePolicy, seconds: float, seed: int, folder: Path) -> dict[str, object]:
    """Run one policy; the report names what was wrong under ``complaints``."""
    cameras = [FaultyCamera(f"camera-{index}", 1000 * seed + 100 * index, RATE) for index in range(CAMERAS)]
    witness, failing = WitnessSink(policy is FramePolicy.LOSSLESS), FailingSink(seed)
    place = folder / f"{policy.value}.jsonl"
    recorder = ResourceRecorder(max(0.2, seconds / 400))
    with Detector(config=DetectorConfig(runtime="cpu", precision="fp32", threads=1)) as detector:
        config = PipelineConfig(policy, reconnection=RECONNECTION, tracker=Tracker)
        pipeline = Pipeline(cameras, detector, [witness, failing, open_sink(str(place))], config)
        timer = threading.Timer(seconds, pipeline.stop)
        timer.start()
        recorder.start()
        summary = pipeline.run()
        timer.cancel()
    samples = recorder.end()
    complaints = list(witness.complaints)

    def expect(true: bool, what: str) -> None:
        if not true:
            complaints.append(what)

    status = pipeline.status()
    for camera, source in zip(cameras, status.sources, strict=True):
        ledger, seen = camera.ledger, witness.seen[camera.uri]
        # A frame that was on its way when the stream was stopped may be neither, and so may that of a read
        # which the machine held up until it was given up.
        unaccounted = ledger.given - seen.records - source.dropped
        expect(
            0 <= unaccounted <= 1 + ledger.slow,
            f"{camera.uri}: {unaccounted} frames are neither records nor dropped",
        )
        expect(
            source.frames == seen.records,
            f"{camera.uri}: {source.frames} frames, {seen.records} records seen",
        )
        expect(
            source.skipped == ledger.faults["corrupt"],
            f"{camera.uri}: {ledger.faults['corrupt']} frames torn, {source.skipped} counted",
        )
        expect(
            source.missed == ledger.missed, f"{camera.uri}: {ledger.missed} missed, {source.missed} counted"
        )
        returns = max(0, ledger.sessions - 1)
        expect(
            0 <= returns - source.interruptions <= 1,
            f"{camera.uri}: came back {returns} times, {source.interruptions} counted",
        )
    refused = status.sinks[1]
    expect(
        refused.lost == failing.failed, f"the output failed {failing.failed} times, {refused.lost} counted"
    )
    expect(status.sinks[0].lost == 0, f"the witness: {status.sinks[0].last_error}")
    lines = place.read_bytes().splitlines()
    expect(len(lines) == summary.frames, f"{len(lines)} lines in the file for {summary.frames} records")
    for line in lines[:: max(1, len(lines) // 1000)]:
        decode_record(line)
    complaints += level(samples)
    return {
        "policy": policy.value,
        "seconds": round(seconds, 1),
        "frames": summary.frames,
        "dropped": summary.dropped,
        "missed": summary.missed,
        "skipped": summary.skipped,
        "interruptions": summary.interruptions,
        "output_failures": failing.failed,
        "faults": dict(sum((camera.ledger.faults for camera in cameras[1:]), cameras[0].ledger.faults)),
        "latency_ms": asdict(summary.latency_ms),
        "first_sample": asdict(samples[0]),
        "last_sample": asdict(samples[-1]),
        "memory_growth_mib": round(growth(samples, "resident_mib"), 2),
        "complaints": complaints,
    }


def level(samples: list[Sample]) -> list[str]:
    """What did not stay level."""
    complaints = []
    risen = growth(samples, "resident_mib")
    if risen > MAX_GROWTH_MIB:
        complaints.append(f"memory rose by {risen:.1f} MiB after warm-up")
    if growth(samples, "files") > 0:
        complaints.append(f"open files rose from {samples[len(samples) // 4].files} to {samples[-1].files}")
    # Readers that hang are threads too, a bounded number of them.
    most = max(sample.threads for sample in samples)
    least = min(sample.threads for sample in samples)
    if most - least > CAMERAS * MAX_HUNG_READERS:
        complaints.append(f"between {least} and {most} threads")
    return complaints


@click.command()
@click.option("--minutes", type=click.FloatRange(min=0.2), default=3.0, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--output", type=click.Path(path_type=Path), help="Also write the report there, as JSON.")
def main(minutes: float, seed: int, output: Path | None) -> None:
    """Run the soak and print its report."""
    logging.getLogger("edge_irdet").setLevel(logging.CRITICAL)
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        phases = [
            run_phase(policy, 30 * minutes, seed, Path(folder))
            for policy in (FramePolicy.LOSSLESS, FramePolicy.LATEST)
        ]
    report = {
        "minutes": round((time.monotonic() - started) / 60, 2),
        "seed": seed,
        "machine": describe_processor(),
        "passed": not any(phase["complaints"] for phase in phases),
        "phases": phases,
    }
    text = json.dumps(report, indent=2)
    print(text)
    if output is not None:
        output.write_text(text + "\n", encoding="utf-8")
    sys.exit(0 if report["passed"] else 1)


if __name__ == "__main__":
    main()
