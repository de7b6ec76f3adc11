"""The client packages, against a running server."""
