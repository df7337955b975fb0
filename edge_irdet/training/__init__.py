"""Training: augmentation, assignment, the joint loss, the trainer (torch)."""
