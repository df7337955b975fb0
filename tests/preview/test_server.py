from __future__ import annotations

import asyncio
import logging
import socket
import threading
import time
from urllib.parse import urlsplit

import cv2
import msgspec
import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from doubles.boards import DESCRIPTION, board_of, turn, write_record
from doubles.http import fetch
from doubles.previewed import CAMERA, OTHER, MakePreview, feed, frame_of, preview_of, record_of
from edge_irdet.errors import ExtraMissingError, OptionError, OutputFailedError
from edge_irdet.preview import PreviewConfig, PreviewSink
from edge_irdet.stream.board import StreamBoard
from edge_irdet.stream.health import Health
from edge_irdet.stream.sinks.sink import StreamInfo
from edge_irdet.stream.status import SourceState, StreamStatus


def picture_of(body: bytes) -> np.ndarray:
    picture = cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return picture


def feed_both(sink: PreviewSink, board: StreamBoard, sequence: int = 0) -> None:
    for source in (CAMERA, OTHER):
        feed(sink, board, sequence, source)


def test_the_page_and_all_it_refers_to_come_from_here(preview: MakePreview) -> None:
    url = preview().url
    page = fetch(url)
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "http:" not in page.text
    assert "https:" not in page.text
    for name, kind in (
        ("page.css", "text/css"),
        ("main.js", "text/javascript"),
        ("favicon.svg", "image/svg+xml"),
    ):
        answer = fetch(url + name)
        assert answer.headers["Content-Type"].startswith(kind)
        again = fetch(url + name, {"If-None-Match": answer.headers["ETag"]})
        assert (again.status, again.body) == (304, b"")
    for path in ("config.py", "sign_in.html", "../config.py", "page/main.js", "%2e%2e/config.py"):
        assert fetch(url + path).status == 404


def test_the_status_is_the_streams_own(preview: MakePreview, board: StreamBoard) -> None:
    sink = preview()
    feed(sink, board, 7)
    found = msgspec.json.decode(fetch(sink.url + "status.json").body, type=StreamStatus)
    assert [source.source for source in found.sources] == [CAMERA, OTHER]
    assert [source.frames for source in found.sources] == [1, 0]
    assert found.detector == DESCRIPTION


def test_healthy_only_while_every_source_gives_young_records(
    preview: MakePreview, board: StreamBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_irdet.preview.status_cache.FRESH_NS", 0)
    sink = preview(record_age_seconds=60)

    def health() -> tuple[int, Health]:
        answer = fetch(sink.url + "healthz")
        return answer.status, msgspec.json.decode(answer.body, type=Health)

    code, found = health()
    assert (code, found.alive, found.healthy) == (503, True, False)
    assert "no record was made yet" in found.reasons
    feed_both(sink, board)
    assert health()[0] == 200
    turn(board, OTHER, SourceState.WAITING, "E110 source lost: rtsp://user:pass@host did not answer", 12)
    code, found = health()
    assert (code, found.alive) == (503, True), "a restart would not bring the camera back"
    assert found.reasons == [f"{OTHER} is waiting for 12 s: E110 source lost: rtsp://***@host did not answer"]


def test_an_output_that_loses_records_is_degraded_for_a_while(
    preview: MakePreview, board: StreamBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does its work for everybody else: a load balancer keeps it, an alarm does not overlook it."""
    monkeypatch.setattr("edge_irdet.preview.status_cache.FRESH_NS", 0)
    sink = preview(record_age_seconds=60)
    feed_both(sink, board)

    def seen() -> tuple[int, bool, dict[str, float]]:
        answer = fetch(sink.url + "healthz")
        health = msgspec.json.decode(answer.body, type=Health)
        samples = {
            sample.name: sample.value
            for family in text_string_to_metric_families(fetch(sink.url + "metrics").text)
            for sample in family.samples
            if sample.name.endswith("degraded") and "source" not in sample.labels
        }
        assert health.degraded == bool(health.reasons)
        return answer.status, health.degraded, samples

    assert seen() == (200, False, {"edge_irdet_degraded": 0, "edge_irdet_output_degraded": 0})
    board.sinks[0].set_lost_later(1)
    assert seen() == (200, True, {"edge_irdet_degraded": 1, "edge_irdet_output_degraded": 1})
    lost_ns = board.sinks[0].last_loss_ns
    assert lost_ns is not None
    board.sinks[0].last_loss_ns = lost_ns - 61_000_000_000
    assert seen() == (200, False, {"edge_irdet_degraded": 0, "edge_irdet_output_degraded": 0})


def test_metrics_say_what_the_status_says(preview: MakePreview, board: StreamBoard) -> None:
    sink = preview()
    for sequence in range(3):
        feed_both(sink, board, sequence)
    turn(board, OTHER, SourceState.LOST, "gone")
    answer = fetch(sink.url + "metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    samples = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }
    assert samples["edge_irdet_frames_total", (("source", CAMERA),)] == 3
    assert samples["edge_irdet_output_records_total", (("output", "out.jsonl"),)] == 6
    assert samples["edge_irdet_source_state", (("source", OTHER), ("state", "lost"))] == 1
    assert samples["edge_irdet_source_state", (("source", OTHER), ("state", "running"))] == 0
    names = tuple(sorted(msgspec.structs.asdict(DESCRIPTION).items()))
    assert samples["edge_irdet_stream_info", names] == 1
    assert samples["edge_irdet_healthy", ()] == 0
    assert samples["edge_irdet_alive", ()] == 1
    assert (("quantile", "0.99"), ("stage", "capture_to_outputs")) in {labels for _, labels in samples}
    modern = fetch(sink.url + "metrics", {"Accept": "application/openmetrics-text; version=1.0.0"})
    assert modern.headers["Content-Type"].startswith("application/openmetrics-text")
    assert modern.text.endswith("# EOF\n")


def test_sources_and_outputs_of_one_name_are_series_of_their_own() -> None:
    board = board_of("synthetic:", "synthetic:", sinks=["udp://a:1", "udp://a:1"])
    sink = preview_of(board, port=0)
    sink.start()
    try:
        text = fetch(sink.url + "metrics").text
    finally:
        sink.close()
    assert 'edge_irdet_frames_total{source="synthetic:"} 0.0' in text
    assert 'edge_irdet_frames_total{source="synthetic: #2"} 0.0' in text
    assert 'edge_irdet_output_records_total{output="udp://a:1"} 0.0' in text
    assert 'edge_irdet_output_records_total{output="udp://a:1 #2"} 0.0' in text


@pytest.mark.parametrize("path", ["snapshot.jpg", "status.json", "metrics", "healthz", ""])
def test_credentials_and_hostile_names_stay_text(path: str) -> None:
    name = 'rtsp://user:pass@cam/"<script>\n'
    board = board_of(name, sinks=["http://u:pass@host/?token=pass"])
    turn(board, name, SourceState.WAITING, "cannot open rtsp://user:pass@cam/")
    sink = preview_of(board, port=0)
    sink.start()
    try:
        assert b"pass" not in fetch(sink.url + path).body
    finally:
        sink.close()


def test_a_snapshot_has_its_detections_drawn_in(preview: MakePreview, board: StreamBoard) -> None:
    sink = preview()
    assert fetch(sink.url + "snapshot.jpg").status == 503
    feed(sink, board, 41)
    answer = fetch(sink.url + "snapshot.jpg")
    assert (answer.headers["X-Sequence"], answer.headers["X-Live"]) == ("41", "yes")
    picture = picture_of(answer.body).astype(int)
    assert picture.shape == (480, 640, 3)
    green = picture[..., 1] - picture[..., 2] > 60
    assert green[90:150, 180:260].any()
    assert not green[101:129, 201:239].any(), "the target itself is not painted over"
    assert picture[105:125, 205:235].min() > 170


def test_a_picture_that_is_not_live_is_marked(preview: MakePreview, board: StreamBoard) -> None:
    sink = preview()
    feed(sink, board, 41)
    live = picture_of(fetch(sink.url + "snapshot.jpg").body)
    turn(board, CAMERA, SourceState.LOST, "gone", seconds_ago=12)
    deadline = time.monotonic() + 5
    while (answer := fetch(sink.url + "snapshot.jpg")).headers["X-Live"] == "yes":
        assert time.monotonic() < deadline
    old = picture_of(answer.body)
    assert old[300:, 50:600].mean() < 0.7 * live[300:, 50:600].mean()
    red = old[..., 2].astype(int) - old[..., 1] > 80
    assert red[200:280].sum() > 500, "words across the picture"


def test_pictures_of_any_size_and_depth(preview: MakePreview, board: StreamBoard) -> None:
    sink = preview(max_fps=60)
    for sequence, (shape, dtype) in enumerate(
        [((48, 64), np.uint8), ((512, 640), np.uint16), ((33, 301), np.uint16), ((48, 64), np.uint8)]
    ):
        feed(sink, board, sequence, shape=shape, dtype=dtype)
        time.sleep(0.02)
        picture = picture_of(fetch(sink.url + "snapshot.jpg").body)
        scale = picture.shape[0] // shape[0]
        assert picture.shape == (shape[0] * scale, shape[1] * scale, 3)
        assert picture[11 * scale, 22 * scale].min() > 150


def test_the_frame_is_copied(preview: MakePreview, board: StreamBoard) -> None:
    sink = preview()
    frame = frame_of(0)
    record = record_of(frame)
    sink.write(frame, record)
    write_record(board, frame, record)
    frame.image[:] = 0
    assert picture_of(fetch(sink.url + "snapshot.jpg").body)[115, 220].min() > 150


@pytest.mark.parametrize("source", ["2", "-1", "x", "", "0x0", "99999999999", "٣"])
def test_a_source_that_is_not_there_lists_those_there_are(preview: MakePreview, source: str) -> None:
    for path in ("snapshot.jpg", "stream.mjpg"):
        answer = fetch(f"{preview().url}{path}?source={source}")
        assert answer.status == 404
        assert CAMERA in answer.text


def test_a_port_in_use_says_who_to_ask(preview: MakePreview, board: StreamBoard) -> None:
    port = urlsplit(preview().url).port
    assert port is not None
    second = preview_of(board, port=port)
    with pytest.raises(OutputFailedError, match="in use") as caught:
        second.open(StreamInfo(CAMERA, ("drone",), None, None))
    assert f"ss -ltnp 'sport = :{port}'" in caught.value.next_step
    second.close()


def test_an_address_that_is_not_ours(board: StreamBoard) -> None:
    for host in ("192.0.2.1", "no-such-host.invalid"):
        sink = preview_of(board, host=host, port=0, token="a-token-long-enough")
        with pytest.raises(OutputFailedError, match="cannot listen"):
            sink.start()


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6")
def test_ipv6(preview: MakePreview) -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no ::1")
    sink = preview(host="::1")
    assert sink.url.startswith("http://[::1]:")
    assert fetch(sink.url).status == 200


def test_open_after_start_changes_nothing_and_close_may_be_called_again(
    preview: MakePreview, board: StreamBoard
) -> None:
    sink = preview()
    url = sink.url
    sink.open(StreamInfo(CAMERA, ("drone",), None, None))
    assert sink.url == url
    sink.close()
    sink.close()
    never = preview_of(board, port=0)
    never.close()


def test_a_preview_belongs_to_one_pipeline(board: StreamBoard) -> None:
    alone = PreviewSink(PreviewConfig(port=0))
    with pytest.raises(OptionError, match="no pipeline yet"):
        alone.start()
    sink = preview_of(board, port=0)
    sink.attach(board)
    with pytest.raises(OptionError, match="another pipeline"):
        sink.attach(board_of("camera"))


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch, board: StreamBoard) -> None:
    monkeypatch.setitem(__import__("sys").modules, "prometheus_client", None)
    with pytest.raises(ExtraMissingError) as caught:
        preview_of(board)
    assert "[preview]" in caught.value.next_step


def test_a_server_that_has_ended_fails_the_output(
    preview: MakePreview, board: StreamBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = threading.Event()

    async def broken(self: object) -> None:
        while not started.is_set():
            await asyncio.sleep(0.01)
        raise RuntimeError("broken")

    monkeypatch.setattr("edge_irdet.preview.viewers.Viewers.run", broken)
    sink = preview()
    started.set()

    def feed_on() -> None:
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            feed(sink, board, 0)
            time.sleep(0.01)

    with pytest.raises(OutputFailedError, match="has ended: RuntimeError"):
        feed_on()


def test_a_handler_that_breaks_is_an_answer_and_a_line_in_the_log(
    preview: MakePreview,
    board: StreamBoard,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(*given: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("edge_irdet.preview.routes.exposition", broken)
    with caplog.at_level(logging.WARNING):
        assert fetch(preview().url + "metrics").status == 500
    assert "could not be answered: RuntimeError" in caplog.text


def test_connections_that_say_nothing_are_bounded_and_dropped(
    preview: MakePreview, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_irdet.preview.server.FIRST_REQUEST_SECONDS", 0.3)
    monkeypatch.setattr("edge_irdet.preview.server.SWEEP_SECONDS", 0.05)
    address = urlsplit(preview(max_clients=1).url)
    silent = [socket.create_connection((address.hostname, address.port), timeout=5) for _ in range(30)]
    try:
        for connection in silent:
            try:
                assert connection.recv(1) == b"", "refused at once, or dropped after a while"
            except ConnectionResetError:
                continue
    finally:
        for connection in silent:
            connection.close()
    assert fetch(f"http://{address.netloc}/").status == 200
