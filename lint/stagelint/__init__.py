"""A linter and static optimizer for Dockerfiles of several stages."""

__version__ = "0.1.0"
