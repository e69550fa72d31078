"""Words for people at a terminal: usage and help, sentences told again, numbers and aligned tables."""
