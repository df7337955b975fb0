"""From a source frame to detections in its pixels: preprocess, decode, non-maximum suppression, Detector."""
