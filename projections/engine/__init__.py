"""What keeps read models: what one is, the runner, filling, rebuilding, comparing, dead letters, reading the past."""
