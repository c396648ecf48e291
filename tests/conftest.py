"""Shared ground for every test; ``small.py`` beside this file holds a tiny spec and literal extracts."""
