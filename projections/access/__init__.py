"""Read models of access: users, keys, tenants, proposals."""
