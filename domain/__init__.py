"""The business: pure deciders over frozen events. No I/O, no clock, no randomness; only msgspec beside the library."""
