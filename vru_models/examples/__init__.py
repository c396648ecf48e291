"""Specs that ship."""
