"""The image of a helper, made from packages. It is no base, and what makes it makes no base another one."""
