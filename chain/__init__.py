"""Formats of the log: canonical entries, the Merkle tree and its tiles, signed checkpoints, proofs, sealed values.

Everything here is a pure function of its arguments in a published format: a stranger with the specification and
common tools reaches the same verdict.
"""
