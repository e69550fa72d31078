"""Measurements against peers, each with its peer in the same run on the same machine: `python -m bench`."""
