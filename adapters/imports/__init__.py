"""Histories from elsewhere: read as data, turned into commands, decided like any other command."""
