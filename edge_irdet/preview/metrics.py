"""The stream's figures for Prometheus, read from its status at each scrape."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import msgspec
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from edge_irdet.preview.status_cache import StatusCache
from edge_irdet.record import count_descriptions
from edge_irdet.stream.status import Percentiles, SinkStatus, SourceState, SourceStatus, StreamStatus

PREFIX = "edge_irdet_"

LOSSES = count_descriptions()
SOURCE_COUNTERS: dict[str, tuple[str, Callable[[SourceStatus], int]]] = {
    "frames": ("Frames that became records.", lambda source: source.frames),
    "dropped_frames": (LOSSES["dropped"], lambda source: source.dropped),
    "missed_frames": (LOSSES["missed"], lambda source: source.missed),
    "skipped_frames": (LOSSES["skipped"], lambda source: source.skipped),
    "source_interruptions": (LOSSES["interruptions"], lambda source: source.interruptions),
}
SINK_COUNTERS: dict[str, tuple[str, Callable[[SinkStatus], int]]] = {
    "output_records": ("Records the output took.", lambda sink: sink.written),
    "output_lost_records": (
        "Records the output could not take, or took and lost on their way.",
        lambda sink: sink.lost,
    ),
}
STAGES: dict[str, Callable[[StreamStatus], Percentiles]] = {
    "capture_to_outputs": lambda status: status.latency_ms,
    "detector": lambda status: status.detector_ms,
    "outputs": lambda status: status.sinks_ms,
}


@dataclass(frozen=True)
class GuestCounts:
    """Who comes to the preview."""

    viewers: int = 0
    """Pages and plain streams that are being served."""

    wrong_tokens: int = 0
    """Wrong tokens shown so far."""


class StreamCollector(Collector):
    """Metric families of one stream.

    Args:
        status: of the stream.
        guests: of the preview.
    """

    def __init__(self, status: StatusCache, guests: GuestCounts) -> None:
        self._status = status
        self._guests = guests

    def describe(self) -> Iterator[Metric]:
        """Nothing in advance: registering must not ask the stream."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """All families, of one moment."""
        health = self._status.health()
        yield _gauge(
            "alive", "Whether the process does its work, cameras that are waited for aside.", health.alive
        )
        yield _gauge("healthy", "Whether every source runs and gives young records.", health.healthy)
        yield _gauge("degraded", "Whether an output or a source loses part of the result.", health.degraded)
        yield _gauge(
            "preview_viewers", "Pages and plain streams that are being served.", self._guests.viewers
        )
        yield CounterMetricFamily(
            PREFIX + "preview_wrong_tokens", "Wrong tokens shown.", value=self._guests.wrong_tokens
        )
        stream = self._status.stream()
        now = time.monotonic_ns()
        info: dict[str, str] = msgspec.structs.asdict(stream.detector)
        yield InfoMetricFamily(
            PREFIX + "stream", "Package, precision and runtime that run, and why.", value=info
        )
        yield _gauge("uptime_seconds", "Since the stream's start.", (now - stream.started_ns) / 1e9)
        if health.record_age_seconds is not None:
            yield _gauge("last_record_age_seconds", "Of the stream.", health.record_age_seconds)
        yield from _of_sources(stream.sources, now)
        yield from _of_sinks(stream.sinks)
        yield _latency(stream)


def exposition(status: StatusCache, guests: GuestCounts, accept: str) -> tuple[bytes, str]:
    """What a scrape gets.

    Args:
        status: of the stream.
        guests: of the preview.
        accept: the request's Accept header.

    Returns:
        The body and its content type: OpenMetrics where the scraper takes it, else Prometheus's text format.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(StreamCollector(status, guests))
    try:
        encoder, content_type = choose_encoder(accept)
    except (TypeError, ValueError):  # a version that is not a number
        encoder, content_type = choose_encoder("")
    return encoder(registry), content_type


def _of_sources(sources: Sequence[SourceStatus], now: int) -> Iterator[Metric]:
    for name, (text, value) in SOURCE_COUNTERS.items():
        counter = CounterMetricFamily(PREFIX + name, text, labels=["source"])
        for source in sources:
            counter.add_metric([source.source], value(source))
        yield counter
    states = GaugeMetricFamily(
        PREFIX + "source_state", "1 for the state it is in.", labels=["source", "state"]
    )
    lasting = GaugeMetricFamily(PREFIX + "source_state_seconds", "Time in its state.", labels=["source"])
    rate = GaugeMetricFamily(PREFIX + "frames_per_second", "Records per second.", labels=["source"])
    age = GaugeMetricFamily(PREFIX + "last_frame_age_seconds", "Since its capture.", labels=["source"])
    degraded = GaugeMetricFamily(
        PREFIX + "source_degraded", "Whether it has lost more frames of late than it gave.", labels=["source"]
    )
    for source in sources:
        for state in SourceState:
            states.add_metric([source.source, state.value], source.state is state)
        lasting.add_metric([source.source], (now - source.since_ns) / 1e9)
        degraded.add_metric([source.source], source.degraded)
        if source.fps is not None:
            rate.add_metric([source.source], source.fps)
        if source.last_capture_ns is not None:
            age.add_metric([source.source], (now - source.last_capture_ns) / 1e9)
    yield from (states, lasting, degraded, rate, age)


def _of_sinks(sinks: Sequence[SinkStatus]) -> Iterator[Metric]:
    for name, (text, value) in SINK_COUNTERS.items():
        counter = CounterMetricFamily(PREFIX + name, text, labels=["output"])
        for sink in sinks:
            counter.add_metric([sink.sink], value(sink))
        yield counter
    failing = GaugeMetricFamily(
        PREFIX + "output_failing", "Whether it failed to take the last record.", labels=["output"]
    )
    degraded = GaugeMetricFamily(
        PREFIX + "output_degraded", "Whether it fails, or has lost a record of late.", labels=["output"]
    )
    for sink in sinks:
        failing.add_metric([sink.sink], sink.failing)
        degraded.add_metric([sink.sink], sink.degraded)
    yield from (failing, degraded)


def _latency(stream: StreamStatus) -> Metric:
    # Not a summary: that type wants the sum of all durations, which a histogram of percentiles does not keep.
    family = GaugeMetricFamily(
        PREFIX + "latency_seconds", "Percentiles since the start.", labels=["stage", "quantile"]
    )
    for stage, of in STAGES.items():
        found = of(stream)
        for quantile, value in (("0.5", found.p50), ("0.9", found.p90), ("0.99", found.p99)):
            if value is not None:
                family.add_metric([stage, quantile], value / 1e3)
    return family


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(PREFIX + name, text, value=float(value))
