"""Connectors: one folder for each kind of provider: its port, its sandbox, its vendors."""
