"""A defense on a whole network is a module with `defend`; docs/extending.md says what else it holds."""
