"""How good the detections are: average precision, centre-distance AP, Pd and Fa, IoU and nIoU."""
