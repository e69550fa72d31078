"""Engine of read models: declaration, runner, filling, rebuilding, comparing, dead letters, reading the past."""
