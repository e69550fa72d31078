"""Payment (收款): collecting what is due of a lease, or one advance, attempt by attempt.

    Initiated ─▶ Pending ─▶ Succeeded ─▶ Refunded | ChargedBack
        ▲ │  │        │
        │ │  └────────┴─▶ Unknown ─ a query resolves it, never a retry ─▶ Succeeded | failed
        │ └─▶ failed ─┬─▶ retry scheduled ─┐            retries of the policy in one channel
        │             ├─▶ channel switched ┤            the policy's channels in order
        │             └─▶ Exhausted        ▼            people take over
        └── attempt started(amount) ── Waiting(not before) ─▶ Cancelled

A stream for each collection. Every attempt begins by an event that fixes its amount, so a payment that waits has no
order at any provider. Whatever a provider calls back with is recorded, applied or ignored with its reason; money that
arrives late, or twice, always counts.
"""
