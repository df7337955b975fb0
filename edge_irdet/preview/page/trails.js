// Where the tracks of one source were in the last seconds.

const SECONDS = 3;
const POINTS = 128;

export class Trails {
  constructor() {
    this.points = new Map();
  }

  add(record) {
    const kept = new Map();
    const now = record.capture_ns / 1e9;
    for (const track of record.tracks ?? []) {
      const points = this.points.get(track.track_id) ?? [];
      const [x, y] = track.centre;
      if (!points.length || points[points.length - 1].at !== now) {
        points.push({ at: now, x, y, coasting: track.state === "coasting" });
      }
      while (points.length > POINTS || now - points[0].at > SECONDS) points.shift();
      kept.set(track.track_id, points);
    }
    this.points = kept;
  }

  // Segments from old to new, each with its age in 0..1.
  *segments(id) {
    const points = this.points.get(id) ?? [];
    const newest = points.length ? points[points.length - 1].at : 0;
    for (let index = 1; index < points.length; index += 1) {
      yield { from: points[index - 1], to: points[index], age: Math.min(1, (newest - points[index - 1].at) / SECONDS) };
    }
  }
}
