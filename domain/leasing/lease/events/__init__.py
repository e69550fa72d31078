"""Events of a lease: `lifecycle` from creation to the end, `money` what the books post."""
