"""Payment providers: the port, statements as files, callbacks with signatures, and a provider inside the process."""
