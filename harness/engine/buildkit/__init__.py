"""BuildKit's own way to the files of a build: it asks for them over a session, in the middle of an HTTP connection."""
