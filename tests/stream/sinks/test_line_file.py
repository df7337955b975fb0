from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from edge_irdet.errors import OutputFailedError
from edge_irdet.stream.sinks.line_file import LineFile, standard_output
from edge_irdet.stream.sinks.output_file import open_to_append

LINE = b"x" * 149


def test_a_full_device_is_an_error_each_time(no_leak: None) -> None:
    file = LineFile(open_to_append(Path("/dev/full")))
    for _ in range(3):
        with pytest.raises(OutputFailedError, match="No space left"):
            file.write(b"line")
    file.close()
    file.close()


FILLING = """
import resource, signal, sys
from pathlib import Path
from edge_irdet.errors import OutputFailedError
from edge_irdet.stream.sinks.line_file import LineFile
from edge_irdet.stream.sinks.output_file import open_to_append
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # the kernel then answers EFBIG to the write that does not fit
file = LineFile(open_to_append(Path(sys.argv[1])))
written, codes = [], set()
for limit in (1000, 1000, 2000, 1100, 3000):  # the space returns, and shrinks below what is there
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    for number in range(9):
        line = b"%d" % (100 * len(written) + number)
        try:
            file.write(line.rjust(149))
            written.append(int(line))
        except OutputFailedError as error:
            codes.add(error.code)
print(*codes, *written)
"""


def test_a_file_that_fills_up_again_and_again_keeps_whole_lines_only(tmp_path: Path) -> None:
    """The limit on the file's size cuts writes short, as a full disk does."""
    place = tmp_path / "out.jsonl"
    finished = subprocess.run(
        [sys.executable, "-c", FILLING, str(place)], capture_output=True, text=True, check=True
    )
    code, *written = finished.stdout.split()
    assert code == "E502"
    assert len(written) == 20, "3000 bytes hold 20 lines of 150"
    assert place.read_bytes() == b"".join(line.encode().rjust(149) + b"\n" for line in written)


def test_a_real_full_disk_and_its_space_coming_back(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"\0" * 40_000)
    file = LineFile(open_to_append(small_disk / "out.jsonl"))
    written, refusals = 0, []
    for number in range(600):
        if len(refusals) == 20:
            ballast.unlink(missing_ok=True)
        try:
            file.write(LINE)
            written += 1
        except OutputFailedError as error:
            refusals.append(error.what)
        if number % 50 == 0:
            assert (small_disk / "out.jsonl").read_bytes() == (LINE + b"\n") * written
    file.close()
    assert all("No space left" in refusal for refusal in refusals)
    assert len(refusals) > 20, "it filled up a second time, at the end of the 64 KiB"
    assert written > 300, "it went on when there was space again"
    assert (small_disk / "out.jsonl").read_bytes() == (LINE + b"\n") * written


def test_what_cannot_be_taken_back_at_once_is_taken_back_before_the_next_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "out.jsonl"
    file = LineFile(open_to_append(place))
    file.write(b"first")
    with monkeypatch.context() as broken:
        written = 0

        def three_bytes_then_full(descriptor: int, content: bytes) -> int:
            nonlocal written
            if written:
                raise OSError(28, "No space left on device")
            written = real_write(descriptor, content[:3])
            return written

        def refuse(descriptor: int, length: int) -> None:
            raise OSError(5, "Input/output error")

        real_write = os.write
        broken.setattr(os, "write", three_bytes_then_full)
        broken.setattr(os, "ftruncate", refuse)
        with pytest.raises(OutputFailedError, match="cannot be taken back yet"):
            file.write(b"second")
        with pytest.raises(OutputFailedError, match="Input/output"):
            file.write(b"third")
        assert place.read_bytes() == b"first\nsec"
    file.write(b"fourth")
    assert place.read_bytes() == b"first\nfourth\n"
    file.close()


def test_a_pipe_that_was_full_gets_the_end_of_its_line_before_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, writing = os.pipe2(os.O_NONBLOCK)
    monkeypatch.setattr(sys, "stdout", os.fdopen(writing, "w"))
    file = LineFile(standard_output())
    line = b"y" * 40_000
    file.write(line)
    with pytest.raises(OutputFailedError, match="cut short"):
        file.write(line)
    with pytest.raises(OutputFailedError):
        file.write(b"lost")
    got = os.read(reading, 1 << 20)
    file.write(b"last")
    file.close()
    sys.stdout.close()
    got += os.read(reading, 1 << 20)
    os.close(reading)
    assert got.split(b"\n") == [line, line, b"last", b""]


def test_a_file_that_a_rotation_has_emptied_goes_on_from_its_start(tmp_path: Path) -> None:
    place = tmp_path / "out.jsonl"
    file = LineFile(open_to_append(place))
    file.write(b"old")
    os.truncate(place, 0)
    file.write(b"new")
    file.close()
    assert place.read_bytes() == b"new\n"
