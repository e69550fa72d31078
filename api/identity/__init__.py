"""Identity: keys as they are made, whom one lets in, and which commands need a second person."""
