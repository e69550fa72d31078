"""Read models of leases: the book, bills, ageing, cash flow."""
