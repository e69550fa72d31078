"""Read models of contracts: the contract book, the clause library."""
