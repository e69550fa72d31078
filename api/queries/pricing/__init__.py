"""Quotes: what a wish comes to, by plans in force; nothing is written."""
