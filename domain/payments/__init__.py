"""Payments (收款): mandates, collecting through providers, refunds, reconciling with the providers' statements."""
