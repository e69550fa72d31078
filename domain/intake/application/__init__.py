"""Application (租赁申请): the aggregate from the first draft to a contract in force, or to a decline with reasons.

Draft ─▶ Submitted ─▶ Verifying ─▶ Deciding ─▶ Approved ─▶ OfferAccepted ─▶ Contracting ─▶ Completed
                          │           │  │         ▲
                          │           │  └▶ Referred ─ a person judges; a conditional offer may be out
                          ▼           ▼         │
                          └───────▶ Declined ◀──┘            every open state ─▶ Withdrawn | Expired
"""
