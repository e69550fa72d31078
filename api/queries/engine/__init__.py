"""Engine of reads: the declaration, its parameters, answers derived from types, columns of tables."""
