"""Read models of applications: the book, the funnel, work in progress."""
