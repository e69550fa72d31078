"""Problems: every "no" of the HTTP interface, in both languages."""
