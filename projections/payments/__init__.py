"""Read models of payments: payments, mandates, receipts, reconciliations."""
