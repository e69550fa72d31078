"""Long-running roles: serve, project, react, publish, and their supervisor."""
