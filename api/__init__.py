"""Where everything meets: settings, composition, the HTTP interface and the command line."""
