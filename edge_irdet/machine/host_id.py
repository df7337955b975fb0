"""What tells this machine from every other one."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from edge_irdet.machine.statements import first_line

PLACES = (
    Path("/etc/machine-id"),
    Path("/var/lib/dbus/machine-id"),
    Path("/proc/device-tree/serial-number"),
)
"""Where systemd, D-Bus and the firmware of an Arm board state it."""

LEAST_LENGTH = 8
"""An identity with fewer characters is a place holder."""


def host_id(places: tuple[Path, ...] = PLACES, own: Path | None = None) -> str | None:
    """The first identity that the system states; in a container without any, a random one that is kept.

    Args:
        places: files that may state it.
        own: file for the random one; None takes ``edge_irdet/host-id`` in the user's state folder.

    Returns:
        The identity; None where the system states none and the own file cannot be kept.
    """
    for place in places:
        stated = (first_line(place) or "").strip()
        if len(stated) >= LEAST_LENGTH and stated != "uninitialized":
            return stated
    kept = own or _state_folder() / "edge_irdet" / "host-id"
    before = first_line(kept)
    if before is not None and len(before) >= LEAST_LENGTH:
        return before
    made = secrets.token_hex(16)
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        # Exclusive: of two processes that come here at once, the second takes the first one's.
        descriptor = os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return first_line(kept) or None
    except OSError:
        return None
    with open(descriptor, "w", encoding="ascii") as handle:
        handle.write(made + "\n")
    return made


def _state_folder() -> Path:
    stated = os.environ.get("XDG_STATE_HOME", "")
    return Path(stated) if os.path.isabs(stated) else Path.home() / ".local" / "state"
