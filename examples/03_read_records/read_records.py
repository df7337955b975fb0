"""Read records from standard input; needs neither NumPy nor OpenCV."""

import sys

from edge_irdet import decode_record

for line in sys.stdin:
    record = decode_record(line)  # raises RecordInvalidError where a line is not a record
    if record.dropped or record.skipped or record.missed:
        print(f"frame {record.sequence}: frames were lost before this one")
    # An empty list means: the frame was processed and nothing was found.
    for target in record.detections:
        x, y = target.centroid
        print(f"frame {record.sequence}: {target.class_name} at {x:.2f}, {y:.2f}, score {target.score:.2f}")
