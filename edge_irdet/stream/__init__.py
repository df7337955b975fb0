"""Frames in, records out: sources, frame policy, pipeline, sinks."""
