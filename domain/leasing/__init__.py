"""Leasing (租赁): the account that money is replayed on, and the lease that owns it.

`values` and `policies` are shared words and versioned data; `account` is pure arithmetic over transactions in the
order of their dates; `lease` is the aggregate for both businesses, phone rental and auto finance lease;
`bill_changes` is the one reading of its money events; `admission` says what must stand before a lease is made.
"""
