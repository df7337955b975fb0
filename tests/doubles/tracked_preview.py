"""Stand-ins that let a preview be tested with tracks and live sources, each labelled as what it is."""

from __future__ import annotations

import math
import threading
import time

import msgspec
import numpy as np

from edge_irdet.stream.frame import Frame
from edge_irdet.stream.record import Record, TrackRecord, TrackState
from edge_irdet.stream.sinks.sink import Sink, StreamInfo
from edge_irdet.stream.sources.synthetic import SyntheticSource

NEAR_PIXELS = 5.0
MOST_MISSED = 20


class TruthTracks(Sink):
    """A FAKE tracker in front of a sink: its tracks are the scene's true targets once detected."""

    usage = "truth tracks"

    def __init__(self, sink: Sink) -> None:
        super().__init__("truth tracks")
        self.sink = sink
        self._tracks: dict[int, TrackRecord] = {}

    def open(self, info: StreamInfo) -> None:
        self.sink.open(info)

    def write(self, frame: Frame, record: Record) -> None:
        self.sink.write(frame, self._tracked(frame, record))

    def close(self) -> None:
        self.sink.close()

    def _tracked(self, frame: Frame, record: Record) -> Record:
        assert frame.truth is not None
        detections = list(record.detections)
        tracks: dict[int, TrackRecord] = {}
        for identity, centre in zip(
            frame.truth.track_ids.tolist(), frame.truth.centroids.tolist(), strict=True
        ):
            number = identity + 1
            distances = [math.dist(found.centroid, centre) for found in detections]
            nearest = int(np.argmin(distances)) if distances else 0
            if distances and distances[nearest] <= NEAR_PIXELS:
                found = msgspec.structs.replace(detections[nearest], track_id=number)
                before = self._tracks.get(number)
                hits = before.hits + 1 if before else 1
                if hits >= 3:
                    detections[nearest] = found
                tracks[number] = TrackRecord(
                    track_id=number,
                    state=TrackState.CONFIRMED,
                    centre=found.centroid,
                    velocity=(0.0, 0.0),
                    sigma=0.6,
                    box=found.box,
                    class_id=found.class_id,
                    score=found.score,
                    hits=hits,
                    missed=0,
                )
            elif (before := self._tracks.get(number)) and before.missed < MOST_MISSED and before.hits >= 3:
                dx, dy = centre[0] - before.centre[0], centre[1] - before.centre[1]
                left, top, right, bottom = before.box
                tracks[number] = msgspec.structs.replace(
                    before,
                    state=TrackState.COASTING,
                    centre=(centre[0], centre[1]),
                    box=(left + dx, top + dy, right + dx, bottom + dy),
                    sigma=before.sigma + 0.3,
                    missed=before.missed + 1,
                )
        self._tracks = tracks
        confirmed = [track for track in tracks.values() if track.hits >= 3]
        return msgspec.structs.replace(record, detections=detections, tracks=confirmed)


class PacedSource(SyntheticSource):
    """A SYNTHETIC scene that comes in real time like a camera, and can be told to hold its frames back."""

    live = True

    def __init__(self, uri: str, source: SyntheticSource) -> None:
        super().__init__(uri, source.config)
        self.giving = threading.Event()
        self.giving.set()
        self._due = 0.0

    def read(self) -> Frame | None:
        if self._scene is not None:
            self.giving.wait(60)
            self._due = max(time.monotonic() - 0.1, self._due + 1 / self.config.rate)
            time.sleep(max(0.0, self._due - time.monotonic()))
        return super().read()
