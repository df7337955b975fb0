"""Source -> detector -> tracker -> sink: `edge-irdet stream --track` as a program."""

import sys

from edge_irdet import Detector, Pipeline, PipelineConfig, Tracker, open_sink, open_source

source = open_source(sys.argv[1])
sink = open_sink(sys.argv[2])
with Detector() as detector:
    print(detector.reason)
    pipeline = Pipeline(source, detector, [sink], PipelineConfig(tracker=Tracker))
    pipeline.run()
print(f"{pipeline.summary().frames} frames, {pipeline.summary().detections} detections")
