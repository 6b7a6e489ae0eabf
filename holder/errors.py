"""The one exception that is meant for the person at the terminal."""


class HolderError(Exception):
    """One sentence: which key or file, what was found, what is allowed.

    A script that stops with it prints the sentence and no traceback.
    """
