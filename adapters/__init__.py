"""The outside world, one folder or file for each thing: databases, brokers, channels, imports."""
