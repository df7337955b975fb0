from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

pytest.importorskip("aiohttp", reason="needs the extra [preview]")
pytest.importorskip("prometheus_client", reason="needs the extra [preview]")

from doubles.boards import board_of
from doubles.previewed import CAMERA, OTHER, MakePreview, preview_of
from edge_irdet.preview import PreviewSink
from edge_irdet.stream.board import StreamBoard


@pytest.fixture(autouse=True)
def no_thread_stays() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    left = [thread for thread in threading.enumerate() if thread not in before and thread.name == "preview"]
    for thread in left:
        thread.join(2)
    assert not [thread for thread in left if thread.is_alive()]


@pytest.fixture
def board() -> StreamBoard:
    return board_of(CAMERA, OTHER)


@pytest.fixture
def preview(board: StreamBoard) -> Iterator[MakePreview]:
    """Makes previews that listen on free ports and are closed at the end."""
    made: list[PreviewSink] = []

    def make(**settings: object) -> PreviewSink:
        sink = preview_of(board, port=0, **settings)  # type: ignore[arg-type]
        made.append(sink)
        sink.start()
        return sink

    yield make
    for sink in made:
        started = time.monotonic()
        sink.close()
        assert time.monotonic() - started < 2.0
