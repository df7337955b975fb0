"""The preview as the pipeline sees it."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, ClassVar

from edge_irdet.errors import ExtraMissingError, OptionError, OutputFailedError
from edge_irdet.errors.installation import install_step
from edge_irdet.preview.config import PreviewConfig
from edge_irdet.preview.newest import NewestFrames
from edge_irdet.record import Record
from edge_irdet.stream.board import StreamBoard
from edge_irdet.stream.frame import Frame
from edge_irdet.stream.sinks.sink import Sink, StreamInfo

if TYPE_CHECKING:
    from edge_irdet.preview.server import PreviewServer


class PreviewSink(Sink):
    """A web page that shows what the stream sees and how it is, with figures for monitoring beside it.

    Args:
        config: where it listens, and for whom.

    Raises:
        ExtraMissingError: the extra ``[preview]`` is not installed.
    """

    usage: ClassVar[str] = "--preview [HOST:]PORT   web page with the live picture, /metrics and /healthz"

    def __init__(self, config: PreviewConfig) -> None:
        # With port 0 the port is not known yet, and a wrong one must not be shown.
        super().__init__(f"preview {bracketed(config.host)}:{config.port}" if config.port else "preview")
        self._config = config
        self._board: StreamBoard | None = None
        self._frames = NewestFrames()
        self._server: PreviewServer | None = None
        _server_class()

    @property
    def url(self) -> str:
        """Where the page is; with port 0 the port is known once it has started."""
        port = self._config.port if self._server is None else self._server.port
        host = self._config.host
        # A browser cannot open an address that stands for all addresses of this machine.
        return f"http://{socket.gethostname() if host in ('0.0.0.0', '::') else bracketed(host)}:{port}/"

    def attach(self, board: StreamBoard) -> None:
        """Show the stream that writes this board.

        Raises:
            OptionError: it shows another pipeline's.
        """
        if self._board not in (None, board):
            raise OptionError(
                "the preview belongs to another pipeline", "make a PreviewSink for each pipeline"
            )
        self._board = board

    def start(self) -> None:
        """Listen. May be called before the stream runs, so that the page shows a source being waited for.

        Raises:
            OptionError: no pipeline has it among its sinks.
            OutputFailedError: the address cannot be listened on.
        """
        if self._board is None:
            raise OptionError(
                "the preview belongs to no pipeline yet",
                "start it after Pipeline(source, detector, [preview])",
            )
        if self._server is None:
            server = _server_class()(self._config, self._frames, self._board)
            server.start()
            self._server = server

    def open(self, info: StreamInfo) -> None:
        """Listen, where :meth:`start` was not called before."""
        self.start()

    def write(self, frame: Frame, record: Record) -> None:
        """Keep a copy of the frame; pictures are made of it when somebody watches.

        Raises:
            OutputFailedError: the server has ended of itself.
        """
        assert self._server is not None
        if self._server.failure is not None:
            raise OutputFailedError(
                f"the preview's server has ended: {type(self._server.failure).__name__}",
                "its log says why; start the stream again",
            )
        self._frames.write(frame, record)

    def close(self) -> None:
        """Let all viewers go, within two seconds; may be called again."""
        if self._server is not None:
            self._server.close()
            self._server = None


def bracketed(host: str) -> str:
    """A host as it stands in a URL."""
    return f"[{host}]" if ":" in host else host


def _server_class() -> type[PreviewServer]:
    try:
        import prometheus_client  # noqa: F401 - the server imports it with its routes

        from edge_irdet.preview.server import PreviewServer
    except ImportError as error:
        raise ExtraMissingError(
            f"--preview needs the extra [preview]; {error.name} cannot be imported: {error}",
            install_step("preview"),
        ) from error
    return PreviewServer
