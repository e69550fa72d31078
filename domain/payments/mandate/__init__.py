"""Mandate (代扣授权): a lessee's standing order to debit what falls due under one lease.

    Absent ─granted─▶ Granted ─suspended─▶ Suspended ─resumed─▶ Granted
      ▲                  │                     │
      │                  └──────────┬──────────┘
      └── granted again ── Revoked | Expired

One stream for each lease. Nothing is debited without a mandate that stands on that day; a mandate that ended is
replaced by granting again, with another reference if it is another paper.
"""
