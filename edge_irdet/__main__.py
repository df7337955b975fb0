"""``python -m edge_irdet``, which torchrun can start."""

from edge_irdet.cli import main

if __name__ == "__main__":
    main()
