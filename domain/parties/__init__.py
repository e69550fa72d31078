"""Persons and organisations a contract is about: what they agreed to, without a word of who they are."""
