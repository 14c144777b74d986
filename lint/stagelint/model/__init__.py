"""What a Dockerfile means: stages, scopes, references. Rules see this and nothing deeper."""

from stagelint.model.file import AskedTarget, File, Options

__all__ = ["AskedTarget", "File", "Options"]
