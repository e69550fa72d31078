"""Long-running roles: what follows from events, from time, from banks."""
