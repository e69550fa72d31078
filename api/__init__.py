"""Composition and doors: settings, the composition root, roles, the HTTP interface, the console, the command line."""
