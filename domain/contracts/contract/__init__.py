"""Contract (合同): clause versions of a plan, put together, shown, confirmed, signed by all, anchored, and ended.

    Assembled ─▶ Presented ─▶ DisclosureAcknowledged ─▶ PartiallySigned ─▶ Executed ─▶ Anchored ◀─▶ Amended
        │            │                  │                      │              └──────┬────┴────────────┘
        └────────────┴───────┬──────────┴──────────────────────┘                     ▼
                             ▼                                          Terminated | Fulfilled | Void
                            Void

One root binds parties, key terms and every clause in its order (`roots`); an amendment has its own, over the one
before. The modules follow one another: `values`, `roots`, `events`, `state`, `commands`, `refusals`, `assembly`,
`tampering`, `decide`, `evolve`.
"""
