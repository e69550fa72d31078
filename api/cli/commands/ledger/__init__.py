"""Commands about the whole ledger: its events, its proofs, its read models, and whether all of them agree."""
