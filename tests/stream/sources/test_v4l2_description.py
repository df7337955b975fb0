"""Which cameras there are and what they can do, asked of FAKE ones."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from doubles.v4l2 import METADATA, STREAMING, FakeCamera, FakeDevice, Mode
from edge_irdet.stream.sources.v4l2.description import FrameSize, describe_camera, list_cameras


def test_formats_sizes_and_rates() -> None:
    fake = FakeCamera(
        [
            Mode(b"Y16 ", [(640, 512), (320, 256)], [(1, 9), (1, 60)]),
            Mode(b"RG10", [(32, 32), (4096, 2160)], [(1, 120), (1, 2)], stepwise=True),
            Mode(b"Y16\xa0", [(640, 512)], []),
        ]
    )
    described = describe_camera(Path("/dev/video0"), fake)
    fake.require_nothing_left()
    assert "STREAMON" not in fake.log
    assert not {"S_FMT", "REQBUFS"} & set(fake.log), "asking changes nothing"
    assert described.problem is None
    assert described.identity is not None
    assert (described.identity.card, described.identity.driver) == ("FAKE thermal camera", "fake")
    y16, bayer, big_endian = described.formats
    assert (y16.name, y16.readable, y16.description) == ("Y16", True, "FAKE Y16")
    assert [str(size) for size in y16.sizes] == ["640x512 (60, 9 fps)", "320x256 (60, 9 fps)"]
    assert (bayer.name, bayer.readable) == ("RG10", False)
    assert bayer.sizes == (FrameSize(32, 32, 4096, 2160, (120.0, 2.0), True),)
    assert str(bayer) == "RG10 32x32 to 4096x2160 (120 to 2 fps)"
    assert str(big_endian) == "Y16_BE 640x512"


def test_a_list_without_an_end_is_left() -> None:
    fake = FakeCamera([Mode(b"Y16 ", [(8, 6)])])
    endless = fake.modes[0]
    fake.modes = EndlessModes([endless])  # type: ignore[assignment]
    described = describe_camera(Path("/dev/video0"), fake)
    assert len(described.formats) == 256


class EndlessModes(list[Mode]):
    """Any index gives the first."""

    def __len__(self) -> int:
        return 2**31

    def __getitem__(self, index: int) -> Mode:  # type: ignore[override]
        return list.__getitem__(self, 0)


def test_devices_that_cannot_be_read_from_are_listed_with_the_reason() -> None:
    fake = FakeCamera([Mode(b"Y16 ", [(8, 6)])], open_error=errno.EACCES)
    described = describe_camera(Path("/dev/video0"), fake)
    assert described.identity is None
    assert "usermod" in str(described.problem)
    fake = FakeCamera([Mode(b"Y16 ", [(8, 6)])], device_capabilities=METADATA | STREAMING)
    described = describe_camera(Path("/dev/video1"), fake)
    assert described.identity is not None
    assert "gives metadata" in str(described.problem)
    for call in range(4):
        fake = FakeCamera([Mode(b"Y16 ", [(8, 6)])], fail_call=call)
        assert "Input/output error" in str(describe_camera(Path("/dev/video0"), fake).problem)
        fake.require_nothing_left()


def test_all_devices_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for name in ("video10", "video2", "video0", "videofile", "v4l-subdev0", "media0"):
        (tmp_path / name).touch()
    links = tmp_path / "v4l" / "by-id"
    links.mkdir(parents=True)
    (links / "usb-FLIR_Boson_31-video-index0").symlink_to("../../video2")
    opened: list[Path] = []

    def open_fake(path: Path) -> FakeDevice:
        opened.append(path)
        return FakeCamera([Mode(b"Y16 ", [(8, 6)])])(path)

    found = list_cameras(tmp_path, open_fake)
    assert [Path(each.device).name for each in found] == ["video0", "video2", "video10"]
    assert [path.name for path in opened] == ["video0", "video2", "video10"]
    assert found[1].stable_paths == (str(links / "usb-FLIR_Boson_31-video-index0"),)
    assert found[0].stable_paths == ()


def test_the_kernel_refuses_files_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "video0").touch()
    (found,) = list_cameras(tmp_path)
    assert found.problem is not None
    assert "is not a video device" in found.problem
    assert list_cameras(Path(os.devnull)) == []
