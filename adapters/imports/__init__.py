"""Imports: histories of other systems are read as data, turned into commands and decided like any other."""
