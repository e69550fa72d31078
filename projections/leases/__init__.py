"""Read models of leases: the book, bills, ageing, cash flow, revenue to come, the portfolio."""
