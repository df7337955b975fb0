"""Hostile variations of good inputs: of values in a tree, of bytes, of text; all by a seeded generator."""

from __future__ import annotations

import json
import random
from typing import Any

HOSTILE_NUMBERS = (0, -1, 1, 2**31, 2**40, 2**63, -(2**63), 10**400, 1e308, -1e308, 1e-320, 0.1, -0.0)
HOSTILE_TEXTS = (
    "",
    " ",
    "\0",
    "../../etc/passwd",
    "/dev/zero",
    "a" * 300,
    "x" * 100_000,
    "\x1b[2J\x1b]0;title\x07",
    "\u202e\u0000\ufffe",
    "nan",
    "Infinity",
    "1e999",
    "%s%n{0}",
    "[bold]markup[/bold]",
    "\ud83d\ude00" * 50,
)


class Mutator:
    """Makes variations.

    Args:
        seed: the same seed gives the same variations.
    """

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def tree(self, value: Any) -> Any:
        """A copy of a JSON tree with one to three changes somewhere in it."""
        copy = json.loads(json.dumps(value))
        for _ in range(self.random.randint(1, 3)):
            copy = self._changed(copy)
        return copy

    def encoded(self, value: Any) -> bytes:
        """A JSON tree as bytes: changed as a tree, as bytes, or both."""
        kind = self.random.random()
        content = json.dumps(self.tree(value) if kind < 0.8 else value).encode("utf-8", "surrogatepass")
        if kind > 0.6:
            content = self.bytes(content)
        if kind > 0.97:
            content = content.replace(b"{", b"[" * self.random.choice((1, 100, 5000)), 1)
        return content

    def bytes(self, content: bytes) -> bytes:
        """A copy of bytes with one to eight changes."""
        data = bytearray(content)
        for _ in range(self.random.randint(1, 8)):
            place = self.random.randrange(len(data) + 1)
            action = self.random.randrange(7)
            if action == 0:
                data[place : place + 1] = bytes([self.random.randrange(256)])
            elif action == 1:
                del data[place : place + self.random.choice((1, 2, 16, 200))]
            elif action == 2:
                data[place:place] = self.random.randbytes(self.random.choice((1, 4, 64)))
            elif action == 3 and data:
                data[place : place + 1] = bytes([data[place % len(data)] ^ (1 << self.random.randrange(8))])
            elif action == 4:
                del data[place:]
            elif action == 5:
                start = self.random.randrange(len(data) + 1)
                data[place:place] = data[start : start + self.random.choice((1, 8, 64))]
            else:
                number = self.random.choice((0, 1, 0x7FFFFFFF, 0xFFFFFFFF, 0x80000000, 0xFFFF))
                data[place : place + 4] = number.to_bytes(4, self.random.choice(("little", "big")))
        return bytes(data)

    def lightly(self, text: str) -> bytes:
        """A text as bytes: as it is, with one of its characters changed, or changed as text or as bytes."""
        kind = self.random.random()
        if kind < 0.4:
            place = self.random.randrange(len(text))
            text = text[:place] + self.random.choice("0159.-,x \n\0") + text[place + 1 :]
        elif kind < 0.7:
            text = self.text(text)
        content = text.encode("utf-8", "replace")
        return self.bytes(content) if kind > 0.85 else content

    def text(self, text: str) -> str:
        """A copy of a text with one to four changes."""
        characters = list(text)
        for _ in range(self.random.randint(1, 4)):
            place = self.random.randrange(len(characters) + 1)
            action = self.random.randrange(5)
            if action == 0:
                characters[place : place + 1] = [self.random.choice(";:/?&=@#%\\ \t\n\0[]{}*,.é☃")]
            elif action == 1:
                del characters[place : place + self.random.choice((1, 3, 20))]
            elif action == 2:
                characters[place:place] = self.random.choice(HOSTILE_TEXTS)[:40]
            elif action == 3:
                characters[place:place] = str(self.random.choice(HOSTILE_NUMBERS))[:40]
            else:
                start = self.random.randrange(len(characters) + 1)
                characters[place:place] = characters[start : start + 8]
        return "".join(characters)

    def _changed(self, value: Any) -> Any:
        if isinstance(value, dict) and value and self.random.random() < 0.85:
            key = self.random.choice(sorted(value))
            action = self.random.random()
            if action < 0.12:
                del value[key]
            elif action < 0.2:
                value[self.random.choice(HOSTILE_TEXTS)[:300] + key] = value[key]
            else:
                value[key] = self._changed(value[key])
            return value
        if isinstance(value, list) and value and self.random.random() < 0.75:
            place = self.random.randrange(len(value))
            action = self.random.random()
            if action < 0.15:
                del value[place]
            elif action < 0.3:
                value.insert(place, value[place])
            else:
                value[place] = self._changed(value[place])
            return value
        return self._hostile(value)

    def _hostile(self, value: Any) -> Any:
        choice = self.random.random()
        if isinstance(value, (int, float)) and not isinstance(value, bool) and choice < 0.7:
            return self.random.choice((*HOSTILE_NUMBERS, value + 1, -value, value * 2, value // 2))
        if isinstance(value, str) and choice < 0.6:
            return self.text(value) if choice < 0.35 else self.random.choice(HOSTILE_TEXTS)
        return self.random.choice(
            (None, True, False, [], {}, [value], {"": value}, self.random.choice(HOSTILE_NUMBERS), "text")
        )
