from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_irdet.errors import EdgeIrdetError, ExtraMissingError, OptionError, UnknownOutputError
from edge_irdet.record import DetectionRecord, Record, TrackRecord, decode_record, encode_record
from edge_irdet.stream.sinks.csv_table import DETECTION_COLUMNS, FRAME_COLUMNS
from edge_irdet.stream.sinks.mqtt import MAX_WAITING
from edge_irdet.stream.sinks.opening import open_sink, open_sinks, sink_usages
from edge_irdet.stream.sinks.udp import ETHERNET_PAYLOAD, MAX_DATAGRAM
from edge_irdet.stream.sinks.unix_socket import MAX_READERS
from edge_irdet.stream.sinks.zeromq import DEFAULT_QUEUE

SECRET = "hunter2"


@pytest.mark.parametrize(
    "uri", ["", "out", "udq://host:1", "mot:", "out.jsonl.gz", "http://host/a.jsonl", f"mqtt//u:{SECRET}@h/t"]
)
def test_unknown_outputs_list_all_forms(uri: str) -> None:
    with pytest.raises(UnknownOutputError) as caught:
        open_sink(uri)
    assert all(usage in caught.value.next_step for usage in sink_usages())
    assert SECRET not in str(caught.value)


def test_a_misspelt_scheme_gets_a_hint() -> None:
    with pytest.raises(UnknownOutputError, match="did you mean udp:"):
        open_sink("udb://host:1")


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("udp://host", "HOST:PORT"),
        ("udp://", "HOST:PORT"),
        ("udp://host:0", "port 0"),
        ("udp://host:65536", "port 65536"),
        ("udp://host:http", "HOST:PORT"),
        ("udp://::1:5005", "HOST:PORT"),
        ("udp://a..b:5005", "not a host name"),
        ("udp://239.0.0.1:5005?tll=2", "did you mean ttl"),
        ("udp://239.0.0.1:5005?ttl=256", r"0\.\.255"),
        ("udp://239.0.0.1:5005?ttl=-1", r"0\.\.255"),
        ("udp://239.0.0.1:5005?ttl=", "no value"),
        ("udp://192.168.1.2:5005?ttl=4", "not a multicast address"),
        ("unix://", "names no socket"),
        ("unix:///run/", "names no socket"),
        ("unix:///run/a.sock?mode=666", "use: no parameters"),
        ("zmq://*:5556", "zmq:tcp://"),
        ("zmq:*:5556", r"zmq:tcp://\*:5556"),
        ("zmq:udp://*:5556", "tcp:// or ipc://"),
        ("zmq:tcp://*:5556?mode=listen", "neither bind nor connect"),
        ("zmq:tcp://*:5556?queue=0", r"1\.\.100000"),
        ("udp://239.0.0.1:5005?interface=a%00b", "control characters"),
        (f"mqtt://user:{SECRET}\udcff@host/t", "not UTF-8"),
        ("mqtt:", "no host"),
        ("mqtt://host", "no topic"),
        ("mqtt://host/", "no topic"),
        ("mqtt://host/a/%23", "no topic"),
        ("mqtt://host/a/+/b", "no topic"),
        (f"mqtt://user:{SECRET}@host", "no topic"),
        (f"mqtt://user:{SECRET} x@host/t", "white space"),
        (f"mqtt://user:{SECRET}?a=b@host:x/t", "HOST"),
        (f"mqtt://user:{SECRET}@host/t?qos=3", r"0\.\.2"),
        (f"mqtt://user:{SECRET}@host/t?qos=1&qos=1", "twice"),
        (f"mqtt://user:{SECRET}@host/t?retain=maybe", "neither true nor false"),
        (f"mqtt://user:{SECRET}@host/t?ca=/etc/ca.pem", "not encrypted"),
        (f"mqtt://user:{SECRET}@host/t?password={SECRET}", "does not know"),
        (f"mqtt://:{SECRET}@host/t", "no user"),
        (f"mqtt://user:{SECRET}@host/t?password_file=/x", "and a password"),
        ("mqtt://user@host/t?password_file=/nonexistent/file", "is not there"),
        ("mqtt://user@host/t?password_file=/dev/zero", "device"),
    ],
)
def test_addresses_and_parameters_are_checked_with_the_way_out(uri: str, expected: str) -> None:
    with pytest.raises(OptionError) as caught:
        open_sink(uri)
    assert caught.match(expected)
    assert caught.value.next_step
    assert SECRET not in str(caught.value)


def test_names_hold_no_credentials() -> None:
    sink = open_sink(f"mqtts://op:{SECRET}/%40@broker:8884/site/a%20b?qos=1")
    assert sink.name == "mqtts://***@broker:8884/site/a%20b?qos=1"
    assert SECRET not in repr(vars(sink))
    assert sink.config.user == "op"
    assert sink.config.password == f"{SECRET}/@"
    assert (sink.config.topic, sink.config.port, sink.config.tls) == ("site/a b", 8884, True)


def test_a_password_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "password").write_text(f"{SECRET}\n")
    sink = open_sink(f"mqtt://op@broker/t?password_file={tmp_path / 'password'}")
    assert (sink.config.user, sink.config.password) == ("op", SECRET)


@pytest.mark.parametrize(
    ("module", "uri", "extra"),
    [("zmq", "zmq:tcp://*:5556", "[zmq]"), ("paho.mqtt", f"mqtt://u:{SECRET}@host/t", "[mqtt]")],
)
def test_a_missing_library_names_its_extra(
    monkeypatch: pytest.MonkeyPatch, module: str, uri: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ExtraMissingError) as caught:
        open_sink(uri)
    assert extra in caught.value.next_step
    assert SECRET not in str(caught.value)


def test_an_output_may_not_be_named_twice_or_be_a_source(tmp_path: Path) -> None:
    place = str(tmp_path / "a.mp4")
    with pytest.raises(OptionError, match="twice"):
        open_sinks([place, str(tmp_path / "b" / ".." / "a.mp4")], ["synthetic:"])
    with pytest.raises(OptionError, match="twice"):
        open_sinks(["udp://host:1", "udp://host:1"], ["synthetic:"])
    for source in (place, f"file://{place}"):
        with pytest.raises(OptionError, match="the source itself"):
            open_sinks([place], ["synthetic:", source])
    (tmp_path / "a.mp4").write_bytes(b"video")
    (tmp_path / "link.mp4").hardlink_to(tmp_path / "a.mp4")
    for output, source in (
        (str(tmp_path / "link.mp4"), place),
        (str(tmp_path / "sheet.png"), str(tmp_path)),
        (str(tmp_path / "sheet.png"), str(tmp_path / "*.png")),
    ):
        with pytest.raises(OptionError, match="the source itself"):
            open_sinks([output], [source])
    assert len(open_sinks([str(tmp_path / "out.jsonl"), "-"], [str(tmp_path)])) == 2


def test_one_source_gives_every_output_its_records() -> None:
    opened = open_sinks(["out.jsonl", "out.mp4", "cam{n}.txt", f"file://{Path.cwd()}/x.csv"], ["synthetic:"])
    assert [(output.sink.name, output.source_index) for output in opened] == [
        ("out.jsonl", None),
        ("out.mp4", None),
        ("cam0.txt", 0),
        (f"{Path.cwd()}/x.csv", None),
    ]


def test_several_sources_share_outputs_or_number_them() -> None:
    opened = open_sinks(["-", "cam{n}.txt", "mqtt://broker/site/{n}"], ["synthetic:", "/dev/video0"])
    assert [(output.sink.name, output.source_index) for output in opened] == [
        ("standard output", None),
        ("cam0.txt", 0),
        ("cam1.txt", 1),
        ("mqtt://broker/site/0", 0),
        ("mqtt://broker/site/1", 1),
    ]


@pytest.mark.parametrize(
    ("output", "example"),
    [
        ("out.txt", "out-{n}.txt"),
        ("a/out.mp4", "a/out-{n}.mp4"),
        ("sheet.png", "sheet-{n}.png"),
        ("mot:gt", "mot:gt-{n}"),
    ],
)
def test_outputs_of_one_source_need_a_number_with_several(output: str, example: str) -> None:
    with pytest.raises(OptionError, match="takes one source, and there are 2") as caught:
        open_sinks([output], ["synthetic:", "synthetic:sea"])
    assert f"--output '{example}'" in caught.value.next_step
    assert len(open_sinks([example], ["synthetic:", "synthetic:sea"])) == 2


@pytest.mark.parametrize("output", ["h0.jsonl", "./h0.jsonl", "mot:h0.jsonl", "h{n}.jsonl"])
def test_an_output_may_not_be_the_health_file(
    output: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OptionError, match="the health file"):
        open_sinks([output], ["synthetic:"], [tmp_path / "h0.jsonl"])


def test_numbered_outputs_that_meet_others_are_named_twice() -> None:
    with pytest.raises(OptionError, match="twice"):
        open_sinks(["a{n}.jsonl", "a1.jsonl"], ["synthetic:", "synthetic:sea"])


@pytest.mark.parametrize("uri", [f"udp://u:{SECRET}@h:1:2", f"unix://u:{SECRET}@h/", f"zmq://u:{SECRET}@h:1"])
def test_no_error_shows_what_looks_like_a_password(uri: str) -> None:
    with pytest.raises(EdgeIrdetError) as caught:
        open_sink(uri)
    assert SECRET not in str(caught.value)


PIECES = st.sampled_from(
    [
        "//",
        "/",
        ":",
        "@",
        "?",
        "&",
        "=",
        "[",
        "]",
        "%",
        "%25",
        "%zz",
        "*",
        "host",
        "1883",
        "qos",
        "ttl",
        ".",
        "\udcff",
        " ",
    ]
)


@settings(deadline=None, max_examples=500)
@given(
    st.sampled_from(["udp:", "unix:", "zmq:", "zmq:tcp:", "mqtt:", "mqtts:", "mot:", "file:", "x:", ""]),
    st.lists(PIECES | st.text(max_size=5), max_size=10).map("".join),
    st.lists(PIECES, max_size=10).map("".join),
)
def test_any_text_is_an_output_or_a_coded_error_that_shows_no_password(
    scheme: str, before: str, after: str
) -> None:
    for uri in (scheme + before, f"{scheme}//{before}{SECRET}@{after}"):
        try:
            opened = open_sinks([uri], ["synthetic:", "rtsp://camera/1"])
        except EdgeIrdetError as error:
            message = str(error)
        else:
            message = " ".join(output.sink.name for output in opened)
        if scheme in ("mqtt:", "mqtts:", "x:") and not any(character.isspace() for character in before):
            assert SECRET not in message


DOCS = Path(__file__).parents[3] / "docs"


def test_the_page_of_the_record_has_every_field() -> None:
    text = (DOCS / "reference" / "record.md").read_text(encoding="utf-8")
    example = text.split("```json\n")[1].split("```")[0].replace("\n", "")
    assert encode_record(decode_record(example)).decode() == example, "every field is in it, in order"
    for kind in (Record, DetectionRecord, TrackRecord):
        for name in kind.__struct_fields__:
            assert f"`{name}`" in text


def test_the_page_of_the_outputs_says_what_there_is() -> None:
    text = (DOCS / "guides" / "outputs.md").read_text(encoding="utf-8")
    for usage in sink_usages():
        form = re.split(r"[?\[ ]", usage.replace("mqtt[s]://[USER:PASSWORD@]", "mqtt://"))[0]
        assert form.replace("/run/edge-irdet/records", "PATH") in text.replace("unix:///PATH", "unix://PATH")
    assert ", ".join(FRAME_COLUMNS) in " ".join(text.split())
    assert ", ".join(DETECTION_COLUMNS) in " ".join(text.split())
    limits = (MAX_DATAGRAM, ETHERNET_PAYLOAD // 50 * 50, MAX_READERS, MAX_WAITING, DEFAULT_QUEUE)
    assert all(f"{limit:,}" in text for limit in limits)
