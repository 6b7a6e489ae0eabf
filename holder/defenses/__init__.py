"""A pruning defense is a module with `prune`; docs/extending.md says what it is given and returns."""
