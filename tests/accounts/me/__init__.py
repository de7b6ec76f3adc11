"""Tests of me."""
