"""A predictor that finds two faces in every picture, and a video of a still face."""

import numpy as np
import pytest

from fercore.deployment import videos
from fercore.deployment.predict import Predictor


@pytest.fixture(scope="session")
def predictor(two_faces):
    return Predictor(detector=two_faces)


@pytest.fixture
def video(tmp_path, astronaut, opencv):
    path = tmp_path / "video.mp4"
    writer = videos.writer(path, (320, 320))
    for _ in range(6):
        writer.write(np.ascontiguousarray(astronaut[:320, :320, ::-1]))
    writer.release()
    return path
