"""What every read is made of: the declaration, its parameters, answers derived from types, columns of tables."""
