"""`import`: histories of other systems, read from their files."""
