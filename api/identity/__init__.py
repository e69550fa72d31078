"""Identity: whom a key lets in, and which commands need a second person."""
