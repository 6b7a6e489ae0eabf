"""An attack is a module with `apply` and, if it learns or draws something, `fit`; see docs/extending.md."""
