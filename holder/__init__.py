"""Hölder Pruning, reproduced: the library behind the workflow.

One module per attack (`holder.attacks`), defense (`holder.defenses`), extractor
(`holder.extractors`) and dataset (`holder.datasets`); the rest is what they share.
Importing this package imports nothing else.
"""

__version__ = "0.1.0"
