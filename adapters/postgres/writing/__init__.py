"""Writing the ledger: who comes first, what is committed together, the rows, and the lock around sums."""
