"""Faults on purpose: the whole stack under a seeded monkey, and single tasks killed at every await."""
