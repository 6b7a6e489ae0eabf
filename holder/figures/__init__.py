"""A figure is a module with `draw`; style.py holds what they share."""
