"""Exercises for a workshop: a broken Dockerfile and a failing check each."""
