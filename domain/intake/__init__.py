"""Intake (进件): applications up to a contract in force, or to a decline with its reasons."""
