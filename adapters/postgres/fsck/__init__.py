"""fsck: verification of the stored ledger. `whole` is the pass over everything, the others its parts."""
