"""The C++ side's own tests, with the sanitizers, and what its shared library shows of itself."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from doubles import cpp_build
from edge_irdet import __version__

ABI = Path(__file__).parent / "abi.txt"


@pytest.fixture(scope="module")
def release() -> Path:
    cpp_build.require_gtest()
    cpp_build.require_onnxruntime_headers()
    return cpp_build.build("cpu")


def test_the_tests_pass(release: Path) -> None:
    library = str(cpp_build.onnxruntime_library())
    printed = cpp_build.run_tests(release, EIRD_TEST_ONNXRUNTIME=library)
    assert "tests passed" in printed
    assert "Skipped" not in printed, printed
    cache = (release / "CMakeCache.txt").read_text()
    assert f"CMAKE_PROJECT_VERSION:STATIC={__version__}\n" in cache, "CMake reads the package's version"


@pytest.mark.parametrize("preset", ["asan", "tsan"])
def test_the_tests_pass_with_sanitizers(preset: str) -> None:
    cpp_build.require_gtest()
    cpp_build.require_onnxruntime_headers()
    folder = cpp_build.build(preset)
    library = str(cpp_build.onnxruntime_library())
    assert "tests passed" in cpp_build.run_tests(folder, EIRD_TEST_ONNXRUNTIME=library)


def test_nothing_is_allocated_after_the_first_frames(release: Path) -> None:
    program = str(release / "tests" / "cpp" / "edge_irdet_allocations")
    package = str(cpp_build.ROOT / "edge_irdet" / "models" / "light-sgmtlm-reduced")
    printed = cpp_build.run(program, package, str(cpp_build.onnxruntime_library()))
    assert printed.count("detect 0, update 0, line 0") == 2, printed


def test_the_library_needs_nothing_but_the_system(release: Path) -> None:
    dynamic = cpp_build.run("readelf", "-dW", str(release / "jetson" / "libedge_irdet.so"))
    needed = {name.partition(".so")[0] for name in re.findall(r"NEEDED.*\[(.*)\]", dynamic)}
    assert needed <= {"libstdc++", "libm", "libgcc_s", "libc", "libdl", "libpthread", "ld-linux-x86-64"}
    assert re.findall(r"SONAME.*\[(.*)\]", dynamic) == ["libedge_irdet.so.0"]


def test_symbols_and_struct_layouts_are_those_written_down(release: Path, tmp_path: Path) -> None:
    """A change of the ABI is a decision; ``PYTHONPATH=tests python tests/cpp/test_build.py`` writes it."""
    assert ABI.read_text(encoding="utf-8") == describe_abi(release / "jetson" / "libedge_irdet.so", tmp_path)


def describe_abi(library: Path, folder: Path) -> str:
    """Exported symbols, and size and offsets of every struct of the header."""
    symbols = re.findall(r" T (\w+)", cpp_build.run("nm", "-D", "--defined-only", str(library)))
    header = cpp_build.ROOT / "jetson" / "include" / "edge_irdet.h"
    structs = re.findall(r"typedef struct (\w+) \{(.*?)\} \1;", header.read_text(encoding="utf-8"), re.DOTALL)
    lines = ["#include <stddef.h>", "#include <stdio.h>", f'#include "{header}"', "int main(void) {"]
    for name, body in structs:
        lines.append(f'  printf("{name} %zu\\n", sizeof({name}));')
        without_comments = re.sub(r"/\*.*?\*/", "", body, flags=re.DOTALL)
        for field in re.findall(r"(\w+)(?:\[\d+\])?;", without_comments):
            lines.append(f'  printf("  {field} %zu\\n", offsetof({name}, {field}));')
    lines.append("  return 0;\n}")
    source = folder / "layout.c"
    source.write_text("\n".join(lines), encoding="utf-8")
    cpp_build.run(
        "cc",
        "-std=c11",
        "-Wall",
        "-Wextra",
        "-Wpedantic",
        "-Werror",
        str(source),
        "-o",
        str(folder / "layout"),
    )
    return "\n".join(sorted(symbols)) + "\n" + cpp_build.run(str(folder / "layout"))


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as made:
        ABI.write_text(
            describe_abi(cpp_build.build("cpu") / "jetson" / "libedge_irdet.so", Path(made)), encoding="utf-8"
        )
