"""Pricing (定价): plans, prices and schedules to the fen, and the guards before an offer."""
