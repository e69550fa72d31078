"""Processes: follow-up commands of events, timers that fire, and the end of the day."""
