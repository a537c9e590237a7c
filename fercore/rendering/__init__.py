"""Faces rendered from FACS action units, with nothing but numpy: what the embedded data sets are made of.

expressions   which action units an emotion moves, and how far
render        what can be drawn, and the camera: `face` for one, `faces` for many at once
portrait      skin, light, hair and background      features   eyes, brows and mouth
"""

from .render import face, faces

__all__ = ["face", "faces"]
