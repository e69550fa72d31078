"""Intake (进件): from an application to a contract in force, or to a reasoned no."""
