"""Lease (租赁): a device rented out or a vehicle financed, from the executed contract to the last fen.

    AwaitingDelivery ─▶ Active ─▶ Returned | EarlySettled ─▶ BoughtOut ────────────────────▶ Settled ─▶ Reopened
                         │ ▲ renewal, restructuring, re-ageing, transfer                       ▲  money taken back
                         │ └───┘                                                               │ balances are zero
                         ├─▶ Accelerated ─────────────────────────────▶──┐                     │
                         ├─▶ Terminated ─▶ Repossessed ─▶ Disposed ─▶────┼─────────────────────┤
                         └─▶ LostTotal ───────────────────────────────▶──┤                     │
                                                                         └▶ ChargedOff ─▶ Recovered

Acceleration and termination of a finance lease exclude each other, and both need a default, a demand and a period
(民法典 752; 融资租赁解释 5, 10); a rental is only terminated (民法典 722). Money that comes after the end is credit; a
settled lease whose money is taken back is open again.
"""
