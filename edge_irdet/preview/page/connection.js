// The WebSocket to the device: notices as text, pictures as one binary message (length, JSON, JPEG).

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 5000;
const SILENCE = 5000; // ms without a notice: the line is dead, whatever the socket says
const TRY_AGAIN_LATER = 1013;

export class Connection {
  constructor({ onNotice, onPicture, onChange }) {
    this.onNotice = onNotice;
    this.onPicture = onPicture;
    this.onChange = onChange;
    this.state = "connecting";
    this.heard = performance.now();
    this.wanted = [];
    this.pause = FIRST_PAUSE;
    this.socket = null;
    this.open();
    setInterval(() => this.watch(), 1000);
  }

  open() {
    const url = new URL("socket", location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(url);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    socket.onopen = () => {
      this.pause = FIRST_PAUSE;
      this.heard = performance.now();
      this.say({ want: this.wanted });
    };
    socket.onmessage = (event) => this.take(socket, event.data);
    socket.onclose = (event) => this.lose(socket, event.code);
  }

  want(places) {
    this.wanted = places;
    this.say({ want: places });
  }

  say(message) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  async take(socket, data) {
    this.heard = performance.now();
    if (typeof data === "string") {
      this.change("live");
      this.onNotice(JSON.parse(data));
      return;
    }
    const length = new DataView(data).getUint32(0);
    const head = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, length)));
    head.received = this.heard;
    const blob = new Blob([new Uint8Array(data, 4 + length)], { type: "image/jpeg" });
    try {
      const bitmap = await createImageBitmap(blob);
      if (socket === this.socket) this.onPicture(head, bitmap);
      else bitmap.close();
    } finally {
      // Said when it has been decoded, so that a slow machine is sent fewer, not older ones.
      if (socket === this.socket) this.say({ got: head.source });
    }
  }

  watch() {
    if (this.state === "live" && !document.hidden && performance.now() - this.heard > SILENCE) {
      const silent = this.socket;
      this.lose(silent, 0);
      silent.close();
    }
  }

  async lose(socket, code) {
    if (socket !== this.socket || this.socket.given) return;
    socket.given = true;
    this.change(code === TRY_AGAIN_LATER ? "full" : "lost");
    try {
      // A socket does not say why it was refused; an ordinary request does.
      const answer = await fetch("status.json", { cache: "no-store" });
      if (answer.status === 401) location.reload();
    } catch {
      // The device is not reachable: that is what the state says already.
    }
    setTimeout(() => this.open(), this.pause);
    this.pause = Math.min(LONGEST_PAUSE, this.pause * 1.7);
  }

  change(state) {
    if (state === this.state) return;
    this.state = state;
    this.onChange(state);
  }
}
