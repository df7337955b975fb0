"""16-bit frames: the named mappings to 8 bits, their text form, histograms, the closed shutter."""
