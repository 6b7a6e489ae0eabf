"""An extractor is a module with `build`; docs/extending.md says what else it holds."""
