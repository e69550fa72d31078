"""The books (账簿): double entry from events alone, provisions in five classes.

`chart` is the chart of accounts as data, `posting` makes journal lines of one event, `provisioning` says what
a month end needs, and `provision` is the aggregate that records what the allowance has to hold at month ends.
"""
