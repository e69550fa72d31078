"""Read models of the books: the journal, revenue to come."""
