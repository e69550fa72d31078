"""Rules of a lease, by theme; `decider` is the table of all its commands."""
