"""Running a graph: the Runner protocol, its implementations, and comparing them."""
