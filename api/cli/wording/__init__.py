"""Words for people at a terminal: usage and help, sentences told again, tables of plans and offers."""
