"""`plans` and `quote`: what the catalogue offers, as tables."""
