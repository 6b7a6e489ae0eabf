"""A dataset is a module with `load`; docs/extending.md says what else it holds."""
