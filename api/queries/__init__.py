"""Reads, declared once: what HTTP, the command line and the console ask of read models and streams."""
