"""Clause (条款): one entry of the clause library and its versions.

    (version n)   Drafted ─▶ Published(effective from) ─▶ Withdrawn(from)

A version's text never changes; another text is the next version. What binds is the SHA-256 over its exact bytes. On
any business date the version that took effect last and was not withdrawn is the one to assemble.
"""
