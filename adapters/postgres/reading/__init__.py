"""Reading the ledger: entries by stream and position, states of streams, and the facts that rules need."""
