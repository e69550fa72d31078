"""Signing: a contract's values to a typeset PDF, the PDF to one that all parties signed, and the check of both."""
