"""JSON Schemas of the record and the manifest, for readers in other languages: ``record.schema.json`` and
``manifest.schema.json`` beside this file. ``python -m edge_irdet.schemas`` writes them anew."""
