"""Consent (同意): one person's yes to one purpose, for named recipients, until a day, and its end.

    Requested ─▶ Granted ─▶ Withdrawn
        │         │   ▲
        │         ▼   │ renewed
        └▶ Declined   Expired

A stream holds one purpose, so that a separate consent (个人信息保护法 23–30) is separate by construction. What ends
a consent does not touch what was done under it (个人信息保护法 15): `permits` is asked for a day.
"""
