"""What files of the system state, on machines of every kind."""

from __future__ import annotations

from pathlib import Path

from edge_irdet.machine.jetson import board_model, read_l4t_release
from edge_irdet.machine.memory import host_available
from edge_irdet.machine.processor import describe_processor
from edge_irdet.machine.statements import program_output


def test_the_l4t_release(tmp_path: Path) -> None:
    path = tmp_path / "nv_tegra_release"
    assert read_l4t_release(path) is None
    path.write_text("# R36 (release), REVISION: 4.3, GCID: 38968081\nmore\n")
    assert read_l4t_release(path) == "R36 (release), REVISION: 4.3, GCID: 38968081"
    path.write_text("")
    assert read_l4t_release(path) is None


def test_the_board_states_its_name_with_a_nul_behind_it(tmp_path: Path) -> None:
    path = tmp_path / "model"
    assert board_model(path) is None
    path.write_bytes(b"NVIDIA Jetson Orin Nano Developer Kit\0")
    assert board_model(path) == "NVIDIA Jetson Orin Nano Developer Kit"


def test_memory_that_can_be_had(tmp_path: Path) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal:  100 kB\nMemAvailable:   42 kB\n")
    assert host_available(meminfo) == 42 * 1024
    assert host_available(tmp_path / "none") is None


def test_this_machine_has_a_processor_with_cores() -> None:
    name, _, cores = describe_processor().rpartition(", ")
    assert name
    assert cores.endswith(" cores")


def test_a_program_that_is_absent_or_fails_states_nothing() -> None:
    assert program_output("no-such-program-anywhere") is None
    assert program_output("false") is None
    assert program_output("echo", "36.4") == "36.4"
