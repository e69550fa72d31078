"""Contract (合同): clause versions of a plan, put together, shown, confirmed, signed by all, anchored, and ended.

    Assembled ─▶ Presented ─▶ DisclosureAcknowledged ─▶ PartiallySigned ─▶ Executed ─▶ Anchored ◀─▶ Amended
        │            │                  │                      │              └──────┬────┴────────────┘
        └────────────┴───────┬──────────┴──────────────────────┘                     ▼
                             ▼                                          Terminated | Fulfilled | Void
                            Void

One root binds parties, key terms and every clause in its order (`domain.contracts.roots`); an amendment has its own,
over the one before.
"""
