"""Steps of an end of day, each of its context: collection, callbacks and outcomes, reconciliation, provisions."""
