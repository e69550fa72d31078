"""The ledger on PostgreSQL: schema, group commit, reading, vault, checkpoints, and the `eventsourcing` port."""
