"""Demonstration: one telephone rented and one car leased, from the order to the last fen, on a ledger made for it."""
