"""The only code that touches an engine, /proc or tracefs."""
