"""What a Jetson says about itself: board, L4T release, power mode."""

from __future__ import annotations

from pathlib import Path

from edge_irdet.machine.statements import first_line, program_output

L4T_RELEASE = Path("/etc/nv_tegra_release")
"""Where a Jetson states its L4T release."""

DEVICE_TREE_MODEL = Path("/proc/device-tree/model")
"""Where an Arm board states its name."""


def read_l4t_release(path: Path = L4T_RELEASE) -> str | None:
    """First line of the L4T release file without its comment mark; None on a machine that is not a Jetson."""
    line = first_line(path)
    return None if line is None else line.lstrip("# ").strip()


def board_model(path: Path = DEVICE_TREE_MODEL) -> str | None:
    """Name of an Arm board, such as ``NVIDIA Jetson Orin Nano Developer Kit``; None where none is stated."""
    return first_line(path)


def power_mode() -> str | None:
    """What ``nvpmodel -q`` prints; None on a machine without it. Latency means nothing without it."""
    return program_output("nvpmodel", "-q")
