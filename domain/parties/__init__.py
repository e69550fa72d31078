"""Parties (当事人): the consents of persons, without personal data."""
