"""Read models of persons: their consents."""
