"""A reproducible companion to papers on lightweight facial emotion recognition (FER)."""

from . import closure as closure  # first: it keeps the code as this process runs it

__version__ = "0.1.0"
