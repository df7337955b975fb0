"""Sinks of records: files, sockets, message brokers, pictures."""
