"""Processes: what is done without anybody asking: following events with commands, firing timers, ending the day."""
