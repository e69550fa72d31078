"""Payments (收款): collecting one bill through providers, and reconciling with what the providers' statements say."""
