"""Pricing: rates solved in floats, offers worked out again from what the ledger says of them."""
