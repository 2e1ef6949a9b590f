"""A file here is a command: it has one `click.Command` called `command`, loaded on use."""
