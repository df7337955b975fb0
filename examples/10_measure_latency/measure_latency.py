"""Latency and losses of a stream, from its records: `measure_latency.py RECORDS.jsonl`."""

import sys

from edge_irdet import decode_record

with open(sys.argv[1], "rb") as lines:
    records = [decode_record(line) for line in lines]

# Both times are of the machine's monotonic clock.
waits = sorted((record.emit_ns - record.capture_ns) / 1e6 for record in records)
middle, late = waits[len(waits) // 2], waits[len(waits) * 99 // 100]
last = records[-1]
print(f"{len(records)} frames: {middle:.1f} ms from capture to record, 99 % within {late:.1f} ms")
print(f"{last.dropped} dropped for newer ones, {last.skipped} unreadable, {last.missed} never delivered")
