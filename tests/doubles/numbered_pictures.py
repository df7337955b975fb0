"""Pictures that carry their number as black and white blocks, which survives any codec.

Without NumPy: the servers that use it run under the system's Python.
"""

from __future__ import annotations

from typing import Any

BLOCK = 16
BITS = 12


def numbered_bytes(number: int, width: int = 320, height: int = 240) -> bytes:
    """[height, width] 8-bit grey: the bits of ``number`` in the first rows, a moving bar below."""
    bits = b"".join((b"\xeb" if number >> bit & 1 else b"\x10") * BLOCK for bit in range(BITS))
    head = bits + bytes([60]) * (width - len(bits))
    column = (3 * number) % (width - 20)
    body = bytes([60]) * column + bytes([200]) * 20 + bytes([60]) * (width - column - 20)
    return head * BLOCK + body * (height - BLOCK)


def number_of(image: Any) -> int:
    """The number that a grey picture carries."""
    return sum(int(image[BLOCK // 2, bit * BLOCK + BLOCK // 2] > 128) << bit for bit in range(BITS))
