"""Access (准入): whose a ledger is and what it is for; tenants, people and keys."""
