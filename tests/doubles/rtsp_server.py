"""A real RTSP server with numbered pictures; run by the system's Python, which has GStreamer.

    /usr/bin/python3 rtsp_server.py [--port 0] [--user NAME:PASSWORD] [--transport tcp|udp] [--size 320x240]

Prints its port once it listens. Serves H.264 at ``/numbered``: live, one key picture a second.
"""

import argparse
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer

sys.path.insert(0, __file__.rpartition("/")[0])
from numbered_pictures import numbered_bytes

LAUNCH = (
    "( appsrc name=pictures is-live=true format=time"
    " caps=video/x-raw,format=GRAY8,width={width},height={height},framerate={rate}/1"
    " ! videoconvert ! video/x-raw,format=I420"
    " ! openh264enc complexity=low bitrate=2000000 gop-size={rate} multi-thread=1"
    " ! rtph264pay name=pay0 config-interval=1 )"
)


class NumberedFactory(GstRtspServer.RTSPMediaFactory):
    def __init__(self, width: int, height: int, rate: int) -> None:
        super().__init__()
        self.width, self.height, self.rate = width, height, rate
        self.set_launch(LAUNCH.format(width=width, height=height, rate=rate))
        self.set_shared(True)

    def do_configure(self, media: GstRtspServer.RTSPMedia) -> None:
        GstRtspServer.RTSPMediaFactory.do_configure(self, media)
        source = media.get_element().get_by_name("pictures")
        state = {"number": 0}

        def push() -> bool:
            number = state["number"]
            buffer = Gst.Buffer.new_wrapped(numbered_bytes(number, self.width, self.height))
            # By number, not by clock: on a busy machine the pictures come unevenly, their times do not.
            buffer.pts, buffer.duration = number * Gst.SECOND // self.rate, Gst.SECOND // self.rate
            state["number"] = number + 1
            flow = source.emit("push-buffer", buffer)
            return flow in (Gst.FlowReturn.OK, Gst.FlowReturn.FLUSHING)

        GLib.timeout_add(1000 // self.rate, push)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", default="0")
    parser.add_argument("--user")
    parser.add_argument("--transport", choices=("tcp", "udp"))
    parser.add_argument("--size", default="320x240")
    parser.add_argument("--rate", type=int, default=30)
    options = parser.parse_args()
    Gst.init(None)
    width, height = map(int, options.size.split("x"))
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(options.port)
    factory = NumberedFactory(width, height, options.rate)
    if options.transport:
        factory.set_protocols(getattr(GstRtsp.RTSPLowerTrans, options.transport.upper()))
    if options.user:
        name, _, password = options.user.partition(":")
        token = GstRtspServer.RTSPToken()
        token.set_string("media.factory.role", name)
        auth = GstRtspServer.RTSPAuth()
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(name, password), token)
        server.set_auth(auth)
        factory.add_role_from_structure(
            Gst.Structure.new_from_string(f"{name}, media.factory.access=true, media.factory.construct=true")
        )
    server.get_mount_points().add_factory("/numbered", factory)
    if server.attach(None) == 0:
        sys.exit(f"cannot listen on port {options.port}")
    print(server.get_bound_port(), flush=True)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()
