"""The gate of the write path: guards that ask other streams and read models whether a command may be done."""
