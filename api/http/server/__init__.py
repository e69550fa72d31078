"""The server below the application: connections, what each waits for, and how large a request may be."""
