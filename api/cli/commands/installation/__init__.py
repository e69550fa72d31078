"""`doctor`: facts about an installation, and what is wrong with it."""
