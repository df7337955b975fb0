"""Sources of frames: files, synthetic scenes, V4L2 and CSI cameras, network streams, host processes."""
