"""Long runs of the streaming runtime under faults that are injected, counted and looked for again."""
