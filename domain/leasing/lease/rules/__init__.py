"""What a lease answers to its commands, by theme; `decider` is the table of them all."""
