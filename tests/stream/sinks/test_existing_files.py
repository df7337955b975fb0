"""What an output does with a file that is there already: nothing of it is lost."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import cv2
import pytest

from doubles.command_line import refused, run
from edge_irdet.errors import OutputFailedError, OutputTakenError
from edge_irdet.record import Record, decode_record
from edge_irdet.stream.sinks.csv_table import COLUMNS
from edge_irdet.stream.sinks.opening import open_sink
from edge_irdet.stream.sinks.sink import Sink, StreamInfo

Put = Callable[[Sink, Record], None]
Make = Callable[..., Record]
Write = Callable[..., Path]

HEADER = ",".join(COLUMNS).encode() + b"\n"


@pytest.fixture
def write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, info: StreamInfo, put: Put, make_record: Make
) -> Write:
    """Write records of these numbers of detections through a new sink, as a start of a stream does."""

    monkeypatch.chdir(tmp_path)

    def write(name: str, *detections: int, overwrite: bool = False) -> Path:
        sink = open_sink(name, overwrite)
        sink.open(info)
        for sequence, count in enumerate(detections):
            put(sink, make_record(sequence, count))
        sink.close()
        return Path(sink.name if sink.file is None else sink.file)

    return write


def sequences(place: Path) -> list[int]:
    return [decode_record(line).sequence for line in place.read_bytes().splitlines()]


def test_records_are_appended_to_those_of_earlier_starts(write: Write) -> None:
    for number in range(1, 4):
        assert sequences(write("out.jsonl", 1, 0)) == [0, 1] * number
    assert sequences(write("out.jsonl", 1, overwrite=True)) == [0]


def test_rows_are_appended_below_one_header(write: Write) -> None:
    once = write("out.csv", 2, 0, 1).read_bytes()
    assert once.startswith(HEADER)
    assert write("out.csv", 2, 0, 1).read_bytes() == once + once.removeprefix(HEADER)
    assert write("out.csv", 2, 0, 1, overwrite=True).read_bytes() == once


@pytest.mark.parametrize("name", ["out.txt", "mot:out.gt", "out.png"])
def test_what_cannot_be_appended_to_takes_a_new_name(write: Write, tmp_path: Path, name: str) -> None:
    first = write(name, 1)
    before = first.read_bytes()
    second, third = write(name, 1, 1), write(name, 1)
    suffix = first.suffix
    assert [path.name for path in (first, second, third)] == [
        f"out{suffix}",
        f"out-2{suffix}",
        f"out-3{suffix}",
    ]
    assert first.read_bytes() == before
    assert second.read_bytes() != before
    if suffix == ".png":
        assert all(cv2.imread(str(path)) is not None for path in (first, second, third))
    assert write(name, 1, 1, overwrite=True).name == first.name
    assert first.read_bytes() == second.read_bytes()
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("name", ["out.jsonl", "out.csv", "out.txt", "out.png"])
def test_an_empty_file_is_taken(write: Write, tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    assert write(name, 1).name == name
    assert (tmp_path / name).stat().st_size
    assert len(list(tmp_path.iterdir())) == 1


TORN = [b'{"schema":2,"sour', b"{", b"\0" * 300, b'{"schema":2,"sour' + b"\0" * 5000]


@pytest.mark.parametrize("torn", TORN)
def test_a_torn_last_record_is_cut_off_before_others_follow(write: Write, torn: bytes) -> None:
    place = write("out.jsonl", 1, 1)
    whole = place.read_bytes()
    place.write_bytes(whole + torn)
    assert write("out.jsonl", 1).read_bytes()[: len(whole)] == whole
    assert sequences(place) == [0, 1, 0]
    place.write_bytes(torn)
    assert sequences(write("out.jsonl", 1)) == [0]


@pytest.mark.parametrize("torn", [b"test:,1,10", b"\0" * 99, b"\0" * 70_000])
def test_a_torn_last_row_is_cut_off_before_others_follow(write: Write, torn: bytes) -> None:
    place = write("out.csv", 2, 0)
    whole = place.read_bytes()
    place.write_bytes(whole + torn)
    assert write("out.csv", 2, 0).read_bytes() == whole + whole.removeprefix(HEADER)
    place.write_bytes(HEADER[:20])
    assert write("out.csv", 2, 0).read_bytes() == whole


def test_a_frame_that_lacks_rows_is_cut_off_before_others_follow(write: Write) -> None:
    place = write("out.csv", 0, 3)
    whole = place.read_bytes().splitlines(True)
    for rows, kept in ((2, 2), (3, 2), (4, 2), (5, 5)):
        place.write_bytes(b"".join(whole[:rows]))
        assert write("out.csv", 0).read_bytes() == b"".join([*whole[:kept], whole[1]])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("out.jsonl", b"precious\n"),
        ("out.jsonl", b"precious"),
        ("out.jsonl", b'{"a": 1}\n{"b": 2}\n'),
        ("out.jsonl", b'{"a": 1}\n{"schema":2,"sou'),
        ("out.jsonl", b'{"schema":999}\n'),
        ("out.csv", b"a,b,c\n1,2,3\n"),
        ("out.csv", b"a,b,c"),
        ("out.csv", HEADER.replace(b",scr", b"") + b"x"),
        ("out.csv", HEADER + b"1,2,3\n"),
    ],
)
def test_a_file_of_something_else_is_refused_and_left_as_it_is(
    write: Write, tmp_path: Path, name: str, content: bytes, no_leak: None
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(OutputTakenError, match="nothing was written to it") as caught:
        write(name, 1)
    assert "--overwrite" in caught.value.next_step
    assert (tmp_path / name).read_bytes() == content
    write(name, 1, overwrite=True)
    assert b"precious" not in (tmp_path / name).read_bytes()


@pytest.mark.parametrize("name", ["out.jsonl", "out.csv", "out.txt", "out.png"])
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_link_is_not_followed(write: Write, tmp_path: Path, name: str, overwrite: bool) -> None:
    (tmp_path / "precious").write_bytes(b"")
    for target in ("precious", "nothing", name):
        (tmp_path / name).symlink_to(target)
        with pytest.raises((OutputTakenError, OutputFailedError)):
            write(name, 1, overwrite=overwrite)
        assert (tmp_path / name).is_symlink()
        (tmp_path / name).unlink()
    assert (tmp_path / "precious").read_bytes() == b""
    assert not (tmp_path / "nothing").exists()


def _read(place: Path, got: list[bytes]) -> None:
    got.append(place.read_bytes())


def test_a_link_to_a_pipe_or_a_device_loses_nothing_and_is_followed(write: Write, tmp_path: Path) -> None:
    (tmp_path / "null.jsonl").symlink_to("/dev/null")
    (tmp_path / "null.csv").symlink_to("/dev/null")
    write("null.jsonl", 1)
    write("null.csv", 1)
    os.mkfifo(tmp_path / "out.jsonl")
    os.mkfifo(tmp_path / "out.csv")
    for name in ("out.jsonl", "out.csv"):
        got: list[bytes] = []
        reader = threading.Thread(target=_read, args=(tmp_path / name, got))
        reader.start()
        write(name, 1, 1)
        reader.join(10)
        assert got[0].count(b"\n") == 2 + (name == "out.csv")


HOLDING = """
import sys, time
from pathlib import Path
from edge_irdet.stream.sinks.opening import open_sink
from edge_irdet.stream.sinks.sink import StreamInfo
sink = open_sink(sys.argv[1])
sink.open(StreamInfo("test:", ("target",), 30.0, None))
print("open", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("name", ["out.jsonl", "out.csv"])
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_second_process_may_not_write_the_same_file(
    write: Write, tmp_path: Path, name: str, overwrite: bool
) -> None:
    other = subprocess.Popen(
        [sys.executable, "-c", HOLDING, str(tmp_path / name)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert other.stdin is not None
    assert other.stdout is not None
    assert other.stdout.readline() == b"open\n"
    before = (tmp_path / name).read_bytes()
    (tmp_path / f"link-{name}").hardlink_to(tmp_path / name)
    for one in (name, f"link-{name}"):
        with pytest.raises(OutputTakenError, match="another process"):
            write(one, 1, overwrite=overwrite)
    assert (tmp_path / name).read_bytes() == before
    other.kill()
    other.wait()
    other.stdin.close()
    other.stdout.close()
    write(name, 1, overwrite=overwrite)


def test_a_table_that_a_rotation_has_emptied_gets_its_header_again(
    tmp_path: Path, info: StreamInfo, put: Put, make_record: Make, write: Write
) -> None:
    sink = open_sink(str(tmp_path / "out.csv"))
    sink.open(info)
    put(sink, make_record(0))
    os.truncate(tmp_path / "out.csv", 0)
    put(sink, make_record(0))
    sink.close()
    once = (tmp_path / "out.csv").read_bytes()
    assert once.startswith(HEADER)
    assert write("out.csv", 1).read_bytes() == once + once.removeprefix(HEADER)


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".txt", ".png", ".mp4"])
def test_names_that_no_file_can_have_are_a_coded_error(
    tmp_path: Path, info: StreamInfo, suffix: str, no_leak: None
) -> None:
    (tmp_path / "file").touch()
    for name in ("x" * 300 + suffix, "none/x" + suffix, "file/x" + suffix, "x" * 4096 + "/x" + suffix):
        with pytest.raises(OutputFailedError, match="cannot be made"):
            open_sink(str(tmp_path / name)).open(info)


@pytest.mark.skipif(os.geteuid() != 0, reason="another user is needed for a folder that is closed to him")
@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".txt", ".png", ".mp4"])
def test_a_folder_that_may_not_be_written_to_is_a_coded_error(tmp_path: Path, suffix: str) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    program = f"""
import os
from pathlib import Path
from edge_irdet.errors import OutputFailedError
from edge_irdet.stream.sinks.opening import open_sink, open_sinks
from edge_irdet.stream.sinks.sink import StreamInfo
from edge_irdet.stream.sources.synthetic import SyntheticSource
place = {str(closed / "out") + suffix!r}
open_sink(place)
os.setuid(65534)
for opened in (open_sink(place), open_sinks([place], ["synthetic:", {str(closed)!r}][:1])[0].sink):
    try:
        opened.open(StreamInfo("test:", ("target",), 30.0, None))
    except OutputFailedError as error:
        print(error.code, error.what)
"""
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert finished.stdout.count("E502") == 2, finished.stderr
    assert finished.stdout.count("Permission denied") == 2


def test_the_same_command_twice_keeps_the_records_of_both(tmp_path: Path) -> None:
    outputs = [part for name in ("out.jsonl", "out.csv", "out.txt", "out.png") for part in ("--output", name)]
    assert run("stream", "--source", "synthetic:?frames=20", *outputs, folder=tmp_path).returncode == 0
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    second = run("stream", "--source", "synthetic:?frames=3", *outputs, folder=tmp_path)
    assert second.returncode == 0, second.stderr
    assert "out.txt: 3 records, in out-2.txt" in second.stderr
    assert second.stderr.count("output has a new name") == 2
    assert sequences(tmp_path / "out.jsonl") == [*range(20), *range(3)]
    assert (tmp_path / "out.csv").read_bytes().startswith(before["out.csv"])
    assert (tmp_path / "out.txt").read_bytes() == before["out.txt"]
    assert {path.name for path in tmp_path.iterdir()} == {*before, "out-2.txt", "out-2.png"}
    third = run("stream", "--source", "synthetic:?frames=3", "--overwrite", *outputs, folder=tmp_path)
    assert third.returncode == 0, third.stderr
    assert sequences(tmp_path / "out.jsonl") == [0, 1, 2]
    (tmp_path / "out.csv").write_text("a,b\n1,2\n")
    refused(run("stream", "--source", "synthetic:?frames=3", *outputs, folder=tmp_path), "E506")
