"""What every aggregate is made of: events, commands, refusals, the decider type, ids, money and dates.

command ──decide(command, state, now)──▶ (event, …) | Refusal
event   ──evolve(state, event)─────────▶ state
"""
