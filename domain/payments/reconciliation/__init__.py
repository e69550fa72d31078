"""Reconciliation (对账): one provider's statement of one business date against our own payments.

    Absent ─statement_loaded─▶ Loaded ─matched, break_found × n─▶ Matched ─break_resolved × n─▶ ─closed─▶ Closed

A stream for each tenant, provider and day. `matching` is the pure comparison; the aggregate makes sure that its result
accounts for every row and every fen, and that nothing is closed while a break is open.
"""
