from __future__ import annotations

import ipaddress
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_irdet.errors import OptionError
from edge_irdet.preview import PreviewConfig, preview_address, preview_token

TOKEN = "a-token-of-24-characters"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("8080", ("127.0.0.1", 8080)),
        ("0", ("127.0.0.1", 0)),
        ("0.0.0.0:8080", ("0.0.0.0", 8080)),
        ("localhost:65535", ("localhost", 65535)),
        ("jetson-3.local:80", ("jetson-3.local", 80)),
        ("[::1]:8080", ("::1", 8080)),
        ("[fe80::1%eth0]:8080", ("fe80::1%eth0", 8080)),
    ],
)
def test_addresses(text: str, address: tuple[str, int]) -> None:
    assert preview_address(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":8080",
        "::1:8080",
        "[::1]",
        "[::1]8080",
        "[127.0.0.1]:80",
        "localhost",
        "localhost:http",
        "65536",
        "host:-1",
        "host: 80",
        "host:٣",
        "host:8_0",
        "http://host:80",
        "a b:80",
        "256.1.1.1:80",
        "-h:80",
        "h/:80",
        "[]:80",
        "host:",
        "user:secret@host:80",
        "8080\n",
    ],
)
def test_what_is_no_address_says_the_form(text: str) -> None:
    with pytest.raises(OptionError) as caught:
        preview_address(text)
    assert "[HOST:]PORT" in caught.value.next_step or "HOST:PORT" in caught.value.next_step


@given(st.ip_addresses(), st.integers(0, 65535))
def test_every_address_reads_back(address: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int) -> None:
    text = f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"
    assert preview_address(text) == (str(address), port)


@given(st.text(max_size=30))
def test_any_text_is_an_address_or_an_option_error(text: str) -> None:
    try:
        host, port = preview_address(text)
    except OptionError:
        return
    assert 0 <= port <= 65535
    PreviewConfig(host=host, port=port, token=TOKEN)


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "192.168.1.7", "jetson.local", "fe80::1", "localhost.evil.org"]
)
def test_another_address_than_this_machines_own_needs_a_token(host: str) -> None:
    with pytest.raises(OptionError, match="watched by anybody") as caught:
        PreviewConfig(host=host)
    assert "--preview-token-file FILE" in caught.value.next_step
    assert "EDGE_IRDET_PREVIEW_TOKEN" in caught.value.next_step
    assert PreviewConfig(host=host, token=TOKEN).host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.53", "::1", "localhost", "LOCALHOST"])
def test_loopback_needs_none(host: str) -> None:
    assert PreviewConfig(host=host).token is None


@pytest.mark.parametrize(
    "token", ["", "short", "fifteen-letters", "with blanks in it 123", "ünïcödé-tökéns-123", "a\n" * 20]
)
def test_a_token_that_can_be_guessed_or_typed_wrongly(token: str) -> None:
    with pytest.raises(OptionError) as caught:
        PreviewConfig(token=token)
    if token:
        assert token not in str(caught.value)


def test_the_token_stays_out_of_the_configurations_text() -> None:
    assert TOKEN not in repr(PreviewConfig(host="0.0.0.0", token=TOKEN))


@pytest.mark.parametrize(
    "settings",
    [
        {"port": 65536},
        {"port": -1},
        {"max_fps": 0},
        {"max_fps": float("nan")},
        {"max_clients": 0},
        {"jpeg_quality": 101},
        {"record_age_seconds": 0},
        {"host": ""},
        {"host": "a b"},
    ],
)
def test_values_out_of_range(settings: dict[str, float]) -> None:
    with pytest.raises(OptionError):
        PreviewConfig(**settings)  # type: ignore[arg-type]


def test_the_token_comes_from_a_file_or_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    environment = {"EDGE_IRDET_PREVIEW_TOKEN": "another-one-of-enough-length"}
    assert preview_token(file, environment) == TOKEN
    assert preview_token(None, environment) == "another-one-of-enough-length"
    assert preview_token(None, {"EDGE_IRDET_PREVIEW_TOKEN": "  "}) is None
    assert preview_token(None, {}) is None


def test_a_token_file_that_holds_none(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text(" \n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    os.mkfifo(tmp_path / "pipe")
    for name, reason in (
        ("empty", "is empty"),
        ("binary", "not UTF-8"),
        ("none", "is not there"),
        (".", "folder"),
        ("pipe", "pipe"),
    ):
        with pytest.raises(OptionError, match=reason):
            preview_token(tmp_path / name, {})
