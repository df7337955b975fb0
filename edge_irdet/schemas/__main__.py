"""``python -m edge_irdet.schemas``: write the schema files that have changed."""

from __future__ import annotations

from edge_irdet.files import write_bytes_atomically
from edge_irdet.schemas.generation import schema_files


def main() -> None:
    """Write what has changed."""
    for path, content in schema_files().items():
        if not path.is_file() or path.read_text(encoding="utf-8") != content:
            write_bytes_atomically(path, content.encode())
            print(f"written: {path}")


if __name__ == "__main__":
    main()
