"""A helper container: it reads the kernel's record and /proc on the engine's machine, where we cannot ourselves."""
