"""Kernel of every aggregate: events, commands, refusals, the decider, ids, money, dates and shared values.

An aggregate of up to 400 lines is one module in the order values, events, state, commands, refusals, rules, evolve,
decider. A larger one is a folder of files with these names, its decider in `rules`; a file that would be too long is a
folder of that name.
"""
