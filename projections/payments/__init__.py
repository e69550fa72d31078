"""Read models of payments: payments, mandates, money movements, reconciliations."""
