"""Read models: one file each (DDL, fold, queries), and the runner that keeps them up to date."""
