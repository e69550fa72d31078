"""Quotes: what an inquiry comes to, by plans in force; nothing is written."""
