"""The file that stands for a listening Unix socket."""

from __future__ import annotations

import errno
import os
import socket
import stat
from pathlib import Path

from edge_irdet.errors import OutputFailedError

MAX_PATH_BYTES = 107
"""Longest path of a Unix socket, unix(7): ``sun_path`` without its final zero."""


def clear_socket_file(path: Path) -> None:
    """Make sure that a socket can be bound to ``path``; remove what a process that died has left there.

    Raises:
        OutputFailedError: the path is too long, its folder is not there, another process listens on it, or it
            is a file that is not a socket, which is left alone.
    """
    if len(os.fsencode(path)) > MAX_PATH_BYTES:
        raise OutputFailedError(
            f"{path} has {len(os.fsencode(path))} bytes; the path of a socket has at most {MAX_PATH_BYTES}",
            "choose a shorter path, for example below /run",
        )
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        if not path.parent.is_dir():
            raise OutputFailedError(
                f"{path} cannot be made: there is no folder {path.parent}", f"mkdir -p {path.parent}"
            ) from None
        return
    except OSError as error:
        raise OutputFailedError(
            f"{path} cannot be made: {error.strerror}", f"ls -ld {path.parent}"
        ) from error
    if not stat.S_ISSOCK(mode):
        raise OutputFailedError(
            f"{path} is there already and is not a socket", "choose another path, or move that file away"
        )
    if _somebody_listens(path):
        raise OutputFailedError(
            f"{path} belongs to another process that listens on it",
            f"see which one: ss -xlp | grep {path}; choose another path for this stream",
        )
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise OutputFailedError(
            f"{path} was left behind by another process and cannot be removed: {error.strerror}",
            f"remove it: sudo rm {path}",
        ) from error


def _somebody_listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as probe:
        # Refused: nobody does. Anything else (accepted, queue full, no permission): somebody may.
        return probe.connect_ex(str(path)) not in (errno.ECONNREFUSED, errno.ENOENT)
