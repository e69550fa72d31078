"""Read models of exposures."""
