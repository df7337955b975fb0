"""The page in a real browser, fed by a real pipeline: a synthetic scene through the shipped package."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from doubles.boards import board_of, turn
from doubles.previewed import preview_of
from doubles.streaming import PacedSource
from edge_irdet.detection.detector import Detector, DetectorConfig
from edge_irdet.errors import SourceLostError
from edge_irdet.preview import PreviewConfig, PreviewSink
from edge_irdet.stream.pipeline import Pipeline, PipelineConfig
from edge_irdet.stream.reconnection import ReconnectionConfig
from edge_irdet.stream.sources.opening import open_source
from edge_irdet.stream.sources.synthetic import SyntheticSource
from edge_irdet.stream.status import SourceState
from edge_irdet.tracking import Tracker

playwright = pytest.importorskip("playwright.sync_api", reason="drives the browser; pip install playwright")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium")

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CLOUD = "synthetic:cloud?seed=3&targets=5&rate=10&frames=100000"
SEA = "synthetic:sea?seed=4&targets=4&rate=5&frames=100000"
TOKEN = "a-token-for-the-browser"
PATIENCE = 20_000  # ms; a shared machine may be busy

PIXELS = """(selector) => {
    const canvas = document.querySelector(selector);
    const context = document.createElement("canvas").getContext("2d");
    Object.assign(context.canvas, { width: canvas.width, height: canvas.height });
    context.drawImage(canvas, 0, 0);
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    let [sum, squares, green, count] = [0, 0, 0, data.length / 4];
    for (let index = 0; index < data.length; index += 4) {
        const [r, g, b] = [data[index], data[index + 1], data[index + 2]];
        sum += g;
        squares += g * g;
        if (g > 140 && g - r > 60 && g - b > 40) green += 1;
    }
    return { spread: Math.sqrt(squares / count - (sum / count) ** 2), green };
}"""


PATIENT = ReconnectionConfig(
    stalled_after_seconds=60, lost_after_seconds=120, first_pause_seconds=3, longest_pause_seconds=3
)
"""Long times, so that the page is seen in one state."""


class Running:
    """A real stream of paced synthetic sources through the shipped package and the tracker into a preview."""

    def __init__(self, *uris: str, port: int = 0, token: str | None = None) -> None:
        self.sources = [_paced(uri) for uri in uris]
        self.detector = Detector(
            "light-sgmtlm-reduced", DetectorConfig(runtime="cpu", precision="fp32", threads=1)
        )
        self.sink = PreviewSink(PreviewConfig(port=port, token=token))
        config = PipelineConfig(reconnection=PATIENT, tracker=Tracker)
        self.pipeline = Pipeline(self.sources, self.detector, [self.sink], config)
        self.sink.start()
        self.url = self.sink.url
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def lose(self, place: int, error: str) -> None:
        self.sources[place].lost = SourceLostError(error, "plug it in")

    def bring_back(self, place: int) -> None:
        self.sources[place].lost = None

    def close(self) -> None:
        self.pipeline.stop()
        for source in self.sources:
            source.giving.set()
        self._thread.join(20)
        self.sink.close()

    def _run(self) -> None:
        with self.detector:
            self.pipeline.run()


def _paced(uri: str) -> PacedSource:
    source = open_source(uri)
    assert isinstance(source, SyntheticSource)
    return PacedSource(uri, source.config)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # Chromium's own services would look for the network; nothing but this machine is to be found.
    arguments = ["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield chromium
        chromium.close()


@pytest.fixture
def running() -> Iterator[Callable[..., Running]]:
    made: list[Running] = []

    def run(*uris: str, **settings: object) -> Running:
        made.append(Running(*uris, **settings))  # type: ignore[arg-type]
        return made[-1]

    yield run
    for one in made:
        one.close()


class Watched:
    """A page whose errors and requests are kept."""

    def __init__(self, browser: Browser, url: str) -> None:
        self.page: Page = browser.new_page(viewport={"width": 1440, "height": 900})
        self.page.set_default_timeout(PATIENCE)
        self.errors: list[str] = []
        self.asked: list[str] = []
        self.page.on(
            "console", lambda message: self.errors.append(message.text) if message.type != "log" else None
        )
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("websocket", lambda socket: self.asked.append(socket.url))
        self.page.goto(url)

    def wait(self, expression: str) -> None:
        self.page.wait_for_function(f"() => {expression}")

    def wait_live(self, tiles: int = 1) -> None:
        self.wait(
            f"document.querySelectorAll('.tile').length === {tiles} && !document.querySelector('.tile.old') "
            "&& document.getElementById('connection').dataset.level === 'good'"
        )

    def wait_marked(self) -> dict[str, float]:
        """Until a detection is drawn: targets come and go."""
        for _ in range(100):
            found: dict[str, float] = self.page.evaluate(PIXELS, ".tile canvas")
            if found["green"] > 20:
                return found
            self.page.wait_for_timeout(100)
        raise AssertionError("no brackets were drawn")

    def text(self, selector: str) -> str:
        return self.page.locator(selector).first.inner_text()


def test_the_page_shows_a_running_stream(
    browser: Browser, running: Callable[..., Running], tmp_path: Path
) -> None:
    stream = running(CLOUD)
    watched = Watched(browser, stream.url)
    watched.wait_live()
    pixels = watched.wait_marked()
    assert pixels["spread"] > 5, "the picture is not blank"
    assert watched.page.evaluate(PIXELS, ".inset canvas")["spread"] > 5
    assert watched.text("#running") == "light-sgmtlm-reduced · fp32 · cpu"
    assert watched.text("#detector") == "light-sgmtlm-reduced · fp32 · cpu"
    assert watched.text("#reason") == stream.detector.reason
    watched.wait("document.getElementById('health').textContent === 'Healthy'")
    assert not watched.page.locator("#alert").is_visible()
    frames = watched.text("#figures div:nth-child(6) dd")
    watched.wait(f"document.querySelector('#figures div:nth-child(6) dd').textContent !== '{frames}'")
    assert "fps" in watched.text(".tile .caption")
    assert watched.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    shot = tmp_path / "preview.png"
    watched.page.screenshot(path=str(shot))
    assert shot.stat().st_size > 20_000

    watched.page.locator(".tile canvas").click(position={"x": 300, "y": 200})
    watched.wait("document.querySelector('.tile').classList.contains('zoomed')")
    watched.page.locator(".tile canvas").press("0")
    watched.wait("!document.querySelector('.tile').classList.contains('zoomed')")
    watched.page.locator(".inset").first.click()
    watched.wait("document.querySelector('.tile').classList.contains('zoomed')")

    assert watched.errors == []
    address = stream.url.removeprefix("http://")
    assert len(watched.asked) > 8
    assert all(url.startswith((f"http://{address}", f"ws://{address}")) for url in watched.asked)
    watched.page.close()


def test_of_several_sources_the_lost_one_never_looks_live(
    browser: Browser, running: Callable[..., Running]
) -> None:
    stream = running(CLOUD, SEA)
    watched = Watched(browser, stream.url)
    watched.wait_live(tiles=2)
    stream.lose(1, "rtsp://user:pass@10.0.0.4 did not answer")
    watched.wait("document.querySelectorAll('.tile.old').length === 1")
    veil = watched.page.locator(".tile.old .veil")
    assert veil.is_visible()
    assert "Source lost" in veil.inner_text()
    assert "waiting to try again" in veil.inner_text()
    assert "rtsp://***@10.0.0.4 did not answer" in veil.inner_text()
    shade = watched.page.evaluate("getComputedStyle(document.querySelector('.tile.old canvas')).filter")
    assert "grayscale(1)" in shade
    watched.wait("document.getElementById('health').textContent === 'Not healthy'")
    assert "is waiting for" in watched.text("#alert")
    assert "fps" not in watched.text(".tile.old .caption")
    assert "pass" not in watched.page.content()
    first = veil.inner_text()
    watched.wait(f"document.querySelector('.tile.old .veil')?.innerText !== {first!r}")
    stream.bring_back(1)
    watched.wait_live(tiles=2)

    watched.page.set_viewport_size({"width": 390, "height": 844})
    assert watched.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "fits a phone"
    watched.page.get_by_role("button", name="synthetic:sea").click()
    watched.wait_live(tiles=1)
    assert watched.text(".tile .name") == "synthetic:sea"
    assert watched.text("#tabs [aria-pressed=true]") == "synthetic:sea"
    watched.page.get_by_role("button", name="All").click()
    watched.wait_live(tiles=2)
    assert watched.errors == []
    watched.page.close()


def test_a_stuck_pipeline_and_a_device_that_is_gone_never_look_live(
    browser: Browser, running: Callable[..., Running]
) -> None:
    stream = running(CLOUD)
    watched = Watched(browser, stream.url)
    watched.wait_live()
    stream.sources[0].giving.clear()  # and the status goes on saying that it runs
    watched.wait("document.querySelector('.tile.old .veil strong')?.textContent.startsWith('No new picture')")
    stream.close()
    watched.wait("document.querySelector('.tile.old .veil strong')?.textContent.startsWith('No connection')")
    assert watched.text("#connection") == "Reconnecting"
    assert "No connection to the device" in watched.text("#alert")
    port = int(stream.url.rstrip("/").rpartition(":")[2])
    running(CLOUD, port=port)
    watched.wait_live()
    watched.page.close()


def test_signing_in(browser: Browser, running: Callable[..., Running]) -> None:
    stream = running(CLOUD, token=TOKEN)
    watched = Watched(browser, stream.url)
    watched.page.get_by_label("Token").fill("wrong")
    watched.page.get_by_role("button", name="Sign in").click()
    watched.page.get_by_text("This is not the token of this device.").wait_for()
    assert watched.page.evaluate("getComputedStyle(document.querySelector('button')).borderRadius") == "8px"
    watched.page.get_by_label("Token").fill(TOKEN)
    watched.page.get_by_role("button", name="Sign in").click()
    watched.wait_live()
    assert watched.page.url == stream.url
    watched.page.close()
    by_link = Watched(browser, f"{stream.url}?token={TOKEN}")
    by_link.wait_live()
    assert by_link.page.url == stream.url
    assert by_link.page.evaluate("document.cookie") == "", "scripts cannot read it"
    by_link.page.close()


def test_hostile_names_are_text(browser: Browser) -> None:
    name = "<img src=x onerror=alert(1)>"
    board = board_of(name, name + "2")
    turn(board, name, SourceState.WAITING, "<script>alert(2)</script>")
    sink = preview_of(board, port=0)
    sink.start()
    try:
        watched = Watched(browser, sink.url)
        watched.wait("document.querySelectorAll('.tile').length === 2")
        assert watched.page.locator("img[src=x], body script").count() == 0
        assert name in watched.text("#sources")
        assert "Source lost" in watched.text(".tile .veil")
        assert watched.errors == []
        watched.page.close()
    finally:
        sink.close()
