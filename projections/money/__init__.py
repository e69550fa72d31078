"""Read models of money: payments, mandates, receipts, reconciliations, the journal."""
