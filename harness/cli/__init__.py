"""The command: arguments, options, output and exit codes. Everything else is below it."""
