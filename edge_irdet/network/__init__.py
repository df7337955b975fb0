"""The network of the paper, its variants and ablations (torch)."""
