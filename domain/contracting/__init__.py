"""Contracting (签约): plans, prices and schedules to the fen, the guards before an offer, clauses and the contract."""
