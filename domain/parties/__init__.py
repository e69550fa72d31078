"""Parties (当事人): what persons agreed to, without a word of who they are."""
