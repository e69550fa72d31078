"""Read models of what is at risk."""
