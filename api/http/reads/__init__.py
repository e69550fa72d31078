"""Reads over HTTP: one handler for all declarations of `api.queries`."""
