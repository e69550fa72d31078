"""Reference data: reviewed plans, policies, clause texts, loan prime rates and holidays, and their loaders."""
