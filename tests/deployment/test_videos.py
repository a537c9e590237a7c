"""Videos: read, drawn, written."""

from unittest.mock import Mock

import numpy as np
import pytest

from fercore.datasets import DataError
from fercore.deployment import predict, videos
from fercore.deployment.predict import Found

pytestmark = pytest.mark.usefixtures("opencv")


def test_a_video(predictor, video, tmp_path):
    found = list(predict.predict(predictor, [video], every=3))
    assert [one.frame for one in found] == [0, 3] and found[0].picture.shape == (320, 320, 3)
    predict.report(iter(found), predictor.description.classes, tmp_path / "drawn", say=str)
    assert [number for number, _ in videos.frames(tmp_path / "drawn" / "video.mp4")] == [0, 1]
    (tmp_path / "broken.mp4").write_bytes(video.read_bytes()[:200])
    (broken,) = predict.predict(predictor, [tmp_path / "broken.mp4"])
    assert isinstance(broken, Found) and "no frame that can be read" in broken.note


@pytest.mark.parametrize(("every", "pace"), [(1, 15), (3, 5)])
def test_a_drawn_video_takes_as_long_as_its_original(predictor, video, tmp_path, every, pace):
    found = predict.predict(predictor, [video], every)
    predict.report(found, predictor.description.classes, tmp_path / "drawn", say=str)
    assert videos.fps(tmp_path / "drawn" / "video.mp4") == pytest.approx(pace)


@pytest.mark.parametrize(("told", "pace"), [(24.0, 24.0), (0.0, videos.FPS), (90_000.0, videos.FPS)])
def test_the_pace_of_a_video_that_does_not_tell_it(video, monkeypatch, told, pace):
    """Streams without timestamps say 0, some containers their clock's ticks a second."""
    monkeypatch.setattr("cv2.VideoCapture.get", lambda *_: told, raising=True)
    assert videos.fps(video) == pace


def written(path, fps):
    """A video of five black frames."""
    made = videos.writer(path, (64, 64), fps)
    for _ in range(5):
        made.write(np.zeros((64, 64, 3), np.uint8))
    made.release()
    return path


@pytest.mark.parametrize("told", [0.0, 1000.0, 90_000.0])
def test_a_video_that_tells_its_clock_and_not_its_pace_is_as_fast_as_its_frames(tmp_path, monkeypatch, told):
    """Browsers record .webm by a clock of milliseconds, with frames at uneven times, of which OpenCV says 1000."""
    import cv2

    path, get = written(tmp_path / "x.mp4", 24), cv2.VideoCapture.get
    monkeypatch.setattr("cv2.VideoCapture.get", lambda *of: told if of[1] == cv2.CAP_PROP_FPS else get(*of))
    assert videos.fps(path) == pytest.approx(24)


@pytest.mark.parametrize(("fps", "pace"), [(239.1834, 239.2), (200 / 3, 66.67), (999.99, 1000), (29.97, 29.97)])
def test_a_video_of_any_pace_can_be_written(tmp_path, fps, pace):
    """MPEG-4 has fractions of 16 bits alone."""
    assert videos.fps(written(tmp_path / "x.mp4", fps)) == pytest.approx(pace)


def test_a_drawn_video_never_takes_the_place_of_an_original(predictor, video):
    before = video.read_bytes()
    for _ in range(2):
        found = predict.predict(predictor, [video.parent])
        table = predict.report(found, predictor.description.classes, video.parent, str)
        assert set(table["source"]) == {str(video)} and video.read_bytes() == before
        assert sorted(path.name for path in video.parent.iterdir()) == ["video-2.mp4", "video.mp4"]
    assert len(list(videos.frames(video.parent / "video-2.mp4"))) == 6


@pytest.mark.parametrize("every", [1, 3, 6])
def test_a_video_that_is_given_twice_is_drawn_as_long_as_it_is(predictor, video, tmp_path, every):
    found = predict.predict(predictor, [video, video], every)
    table = predict.report(found, predictor.description.classes, tmp_path / "drawn", say=str)
    assert len(list(videos.frames(tmp_path / "drawn/video.mp4"))) == 6 / every and table.attrs["drawn"] == 1


def test_pictures_of_videos_and_cameras_are_rgb(video, astronaut):
    colour = astronaut[:320, :320].mean((0, 1))  # much more red than blue
    for picture in (*(picture for _, picture in videos.frames(video)), *videos.camera(str(video))):
        assert picture.mean((0, 1)) == pytest.approx(colour, abs=8)


def test_a_drawn_video_has_the_colours_of_its_original(tmp_path, astronaut):
    found = [Found("a.mp4", number, (), predict.NO_FACE, astronaut[:320, :320]) for number in range(3)]
    predict.report(found, (), tmp_path, say=str)
    for _, picture in videos.frames(tmp_path / "a.mp4"):
        assert picture.mean((0, 1)) == pytest.approx(astronaut[:320, :320].mean((0, 1)), abs=8)


def test_a_video_whose_name_ends_in_capitals_is_one(predictor, video):
    loud = video.rename(video.with_name("CLIP.MP4"))
    assert [one.frame for one in predict.predict(predictor, [loud.parent])] == list(range(6))


def test_a_stream_by_its_address_is_no_file_that_is_missing(monkeypatch):
    asked = []
    monkeypatch.setattr("cv2.VideoCapture", lambda source: asked.append(source) or Mock(read=lambda: (False, None)))
    with pytest.raises(DataError, match="no frame that can be read"):
        next(videos.camera("rtsp://camera/1"))
    assert asked == ["rtsp://camera/1"]


def test_a_video_whose_frame_cannot_be_decoded_ends_there(video, monkeypatch):
    picture = np.zeros((9, 9, 3), np.uint8)
    broken = Mock(retrieve=Mock(side_effect=[(True, picture), (True, picture), (False, None)]))
    monkeypatch.setattr("cv2.VideoCapture", lambda _: broken)
    assert [number for number, _ in videos.frames(video)] == [0, 1]


def test_a_video_that_cannot_be_written_there_is_told(tmp_path):
    with pytest.raises(DataError, match="cannot write a video"):
        videos.writer(tmp_path / "none/kept.mp4", (64, 64))


@pytest.mark.parametrize("name", ["kept.webm", "kept.WEBM"])
def test_browsers_play_a_webm(tmp_path, name):
    made = videos.writer(tmp_path / name, (64, 48))
    for grey in range(5):
        made.write(np.full((48, 64, 3), 50 * grey, np.uint8))
    made.release()
    assert len(list(videos.frames(tmp_path / name))) == 5
    kept = (tmp_path / name).read_bytes()
    assert kept.startswith(b"\x1aE\xdf\xa3") and b"V_VP8" in kept
