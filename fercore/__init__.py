"""A reproducible companion to papers on lightweight facial emotion recognition (FER)."""

__version__ = "0.1.0"
