"""What people do to what they edit: one function per action, shared by the API, the CLI and the console."""
