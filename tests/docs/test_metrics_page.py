"""The page of the metrics names what a scrape gets, with its type and labels, and nothing else."""

from __future__ import annotations

import re

import pytest
from markdown_pages import ROOT

pytest.importorskip("aiohttp", reason="needs the extra preview")
pytest.importorskip("prometheus_client", reason="needs the extra preview")

from prometheus_client.parser import text_string_to_metric_families

from doubles.boards import board_of
from edge_irdet.preview.metrics import GuestCounts, exposition
from edge_irdet.preview.status_cache import StatusCache
from edge_irdet.stream.health import HealthLimits

PAGE = ROOT / "docs" / "reference" / "metrics.md"
UNTIL_THE_FIRST_FRAME = {
    "edge_irdet_frames_per_second",
    "edge_irdet_last_frame_age_seconds",
    "edge_irdet_last_record_age_seconds",
    "edge_irdet_latency_seconds",
}
"""Not in a scrape before the first frame."""


def test_the_page_names_every_metric() -> None:
    rows = re.findall(
        r"^\| `(edge_irdet_\w+)` \| (\w+) \| (.*?) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE
    )
    named = {name: (kind, frozenset(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}
    assert len(named) == len(rows)
    text, _ = exposition(StatusCache(board_of("a"), HealthLimits()), GuestCounts(), "text/plain")
    found = {}
    for family in text_string_to_metric_families(text.decode()):
        for sample in family.samples:
            kind = "info" if sample.name.endswith("_info") else family.type
            found[sample.name] = (kind, frozenset(sample.labels))
    assert set(named) - set(found) <= UNTIL_THE_FIRST_FRAME
    assert {name: named.get(name) for name in found} == found
