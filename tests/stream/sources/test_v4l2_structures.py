"""The kernel's layouts and numbers, as the C header of this machine has them."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from pathlib import Path

import pytest

from doubles.v4l2 import REQUESTS
from edge_irdet.stream.sources.v4l2 import structures as v4l2

C_NAMES = {
    "v4l2_capability": v4l2.Capability,
    "v4l2_fmtdesc": v4l2.FormatDescription,
    "v4l2_fract": v4l2.Fraction,
    "v4l2_frmsize_discrete": v4l2.FrameSizeDiscrete,
    "v4l2_frmsize_stepwise": v4l2.FrameSizeStepwise,
    "v4l2_frmsizeenum": v4l2.FrameSizeEnumeration,
    "v4l2_frmival_stepwise": v4l2.FrameIntervalStepwise,
    "v4l2_frmivalenum": v4l2.FrameIntervalEnumeration,
    "v4l2_pix_format": v4l2.PixelFormatDescription,
    "v4l2_format": v4l2.Format,
    "v4l2_captureparm": v4l2.CaptureParameters,
    "v4l2_streamparm": v4l2.StreamParameters,
    "v4l2_requestbuffers": v4l2.RequestBuffers,
    "v4l2_timecode": v4l2.TimeCode,
    "v4l2_buffer": v4l2.Buffer,
}
IN_C = {
    ("v4l2_format", "pix"): "fmt.pix",
    ("v4l2_streamparm", "capture"): "parm.capture",
    ("v4l2_frmsizeenum", "size"): "discrete",
    ("v4l2_frmivalenum", "interval"): "discrete",
}
"""Fields whose path is another in C."""
ONLY_OURS = {"alignment", "rest_of_union"}

CONSTANTS = {
    f"V4L2_{name}": getattr(v4l2, name)
    for name in vars(v4l2)
    if name.startswith(("BUF_", "CAP_", "FIELD_", "FRMSIZE_", "FRMIVAL_", "MEMORY_"))
}
CODES = {
    "V4L2_PIX_FMT_Y16": "Y16",
    "V4L2_PIX_FMT_Y16_BE": "Y16_BE",
    "V4L2_PIX_FMT_Y14": "Y14",
    "V4L2_PIX_FMT_Y12": "Y12",
    "V4L2_PIX_FMT_Y10": "Y10",
    "V4L2_PIX_FMT_GREY": "GREY",
    "V4L2_PIX_FMT_YUYV": "YUYV",
    "V4L2_PIX_FMT_UYVY": "UYVY",
    "V4L2_PIX_FMT_MJPEG": "MJPG",
}


def fields(structure: type[ctypes.Structure]) -> list[str]:
    return [name for name, *_ in structure._fields_ if name not in ONLY_OURS]


@pytest.fixture(scope="module")
def header(tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """What a C compiler makes of the header: expression -> value."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler on this machine; install gcc")
    if not Path("/usr/include/linux/videodev2.h").exists():
        pytest.skip("no kernel headers on this machine; install linux-libc-dev")
    expressions = [f"VIDIOC_{name}" for name in REQUESTS] + [*CONSTANTS, *CODES]
    for name, structure in C_NAMES.items():
        expressions.append(f"sizeof(struct {name})")
        expressions += [
            f"offsetof(struct {name}, {IN_C.get((name, field), field)})" for field in fields(structure)
        ]
    folder = tmp_path_factory.mktemp("header")
    lines = "\n".join(f'printf("%lu\\n", (unsigned long)({each}));' for each in expressions)
    (folder / "layout.c").write_text(
        "#include <stddef.h>\n#include <stdio.h>\n#include <linux/videodev2.h>\n"
        f"int main(void) {{\n{lines}\nreturn 0;\n}}\n"
    )
    program = folder / "layout"
    subprocess.run([compiler, str(folder / "layout.c"), "-o", str(program)], check=True, timeout=60)
    printed = subprocess.run([str(program)], capture_output=True, text=True, check=True, timeout=60).stdout
    return dict(zip(expressions, map(int, printed.split()), strict=True))


def test_sizes_and_offsets(header: dict[str, int]) -> None:
    for name, structure in C_NAMES.items():
        assert ctypes.sizeof(structure) == header[f"sizeof(struct {name})"], name
        for field in fields(structure):
            in_c = IN_C.get((name, field), field)
            assert getattr(structure, field).offset == header[f"offsetof(struct {name}, {in_c})"], (
                f"{name}.{field}"
            )


def test_request_numbers(header: dict[str, int]) -> None:
    for name, number in REQUESTS.items():
        assert getattr(v4l2, name) == header[f"VIDIOC_{name}"] & 0xFFFFFFFF == number, name


def test_constants_and_codes(header: dict[str, int]) -> None:
    from edge_irdet.stream.sources.v4l2.pixels import CAMERA_FORMATS

    assert len(CONSTANTS) > 20
    for name, value in CONSTANTS.items():
        assert value == header[name] & 0xFFFFFFFF, name
    for name, ours in CODES.items():
        assert CAMERA_FORMATS[ours].fourcc == header[name] & 0xFFFFFFFF, name


def test_sizes_that_the_kernel_documents() -> None:
    """Without a compiler too: the ioctl numbers hold these sizes."""
    sizes = {v4l2.Capability: 104, v4l2.Format: 208, v4l2.Buffer: 88, v4l2.StreamParameters: 204}
    for structure, size in sizes.items():
        assert ctypes.sizeof(structure) == size
    for name, number in REQUESTS.items():
        assert getattr(v4l2, name) == number


def test_codes_as_text() -> None:
    assert v4l2.fourcc_text(v4l2.fourcc("Y16 ")) == "Y16"
    assert v4l2.fourcc_text(v4l2.fourcc("Y16 ") | 1 << 31) == "Y16-BE"
    assert v4l2.fourcc_text(0x00010203) == "????"
