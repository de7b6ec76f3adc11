"""Servers that behave as the vendors do, and the whole stack against them."""
