"""Read models of what was agreed: consents, contracts, the clause library."""
