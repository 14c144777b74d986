"""The syntax of Dockerfiles: a lossless tree, and what is wrong with the text as such."""

from stagelint.syntax.parser import parse

__all__ = ["parse"]
