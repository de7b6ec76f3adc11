"""Backlot: accounts, credits, files and a queue of slow AI jobs behind one JSON API."""
