"""fsck: does the ledger still say what it said? `whole` is the pass over everything, the others its parts."""
