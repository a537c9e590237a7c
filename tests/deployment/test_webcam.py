"""What a camera sees: followed from frame to frame, served to a browser, recorded."""

import itertools
import queue
import threading
from pathlib import Path
from unittest.mock import Mock
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import numpy as np
import pytest

from fercore import cli
from fercore.datasets import DataError
from fercore.deployment import videos, webcam
from fercore.deployment.detect import Box
from fercore.deployment.predict import Face

USAGE = Path(__file__).parents[2] / "docs/usage.md"


@pytest.fixture(autouse=True)
def ends_at_once(monkeypatch):
    """By itself, a server looks twice a second whether it is to end."""
    monkeypatch.setattr(webcam.ThreadingHTTPServer.serve_forever, "__defaults__", (0.01,))


def seen(happy, left=0):
    """A face of two classes, marked as uncertain."""
    return Face(Box(left, 0, 10, 10), {"happy": happy, "sad": 1 - happy}, certain=False)


class Alternates:
    """Says happy and sad in turn, and is a little surer of happy, as networks are of a face between the two."""

    certain = 0.5

    def __init__(self):
        self.answers = itertools.cycle([seen(0.8), seen(0.3)])

    def __call__(self, picture):
        return [next(self.answers)]


def test_what_was_said_of_a_face_weighs_half_after_the_half_life():
    assert f"half-life of {webcam.HALF_LIFE} seconds" in " ".join(USAGE.read_text(encoding="utf-8").split())
    steady = webcam.Steady(certain=0.7)
    assert steady([seen(0.9)], 0.0) == [seen(0.9)], "as the predictor has it: there is nothing to weigh"
    (face,) = steady([seen(0.5)], webcam.HALF_LIFE)
    assert face.probabilities == pytest.approx({"happy": 0.7, "sad": 0.3}) and face.certain
    (face,) = steady([seen(0.3, left=1)], 3 * webcam.HALF_LIFE)
    assert face.probabilities["happy"] == pytest.approx(0.7 / 4 + 0.3 * 3 / 4) and not face.certain
    assert face.box.left == 1, "where it is now"


def test_faces_are_told_apart_by_where_they_are():
    steady = webcam.Steady(certain=0.5)
    steady([seen(1.0), seen(0.0, left=20)], 0.0)
    one, two, new = steady([seen(0.5), seen(0.5, left=21), seen(0.5, left=40)], webcam.HALF_LIFE)
    assert [face.probabilities["happy"] for face in (one, two, new)] == pytest.approx([0.75, 0.25, 0.5])
    whole = Face(None, {"happy": 1.0}, True)
    steady([whole], 1.0)
    (face,) = steady([Face(None, {"happy": 0.0}, True)], 1.0 + webcam.HALF_LIFE)
    assert face.probabilities["happy"] == pytest.approx(0.5), "a picture that is a face is the same face"
    (face,) = steady([seen(0.0, left=100)], 1.4)
    assert face.probabilities["happy"] == 0, "and no box is it"


def test_of_two_faces_near_an_earlier_one_one_alone_goes_on_as_it():
    steady = webcam.Steady(certain=0.5)
    steady([seen(1.0)], 0.0)
    one, two = steady([seen(0.0, left=-4), seen(0.0, left=3)], 0.01)
    assert one.probabilities["happy"] == 0.0 and two.probabilities["happy"] > 0.9, "the one that overlaps it more"


def test_a_face_that_is_missed_in_a_frame_is_the_same_again_but_not_for_long():
    for pause, expected in ((2 * webcam.HALF_LIFE, 1 / 4), (webcam.REMEMBERED + 0.1, 0.0)):
        steady = webcam.Steady(certain=0.5)
        steady([seen(1.0)], 0.0)
        assert steady([], pause / 2) == []
        (face,) = steady([seen(0.0)], pause)
        assert face.probabilities["happy"] == pytest.approx(expected)
    for second in range(10):
        steady([seen(0.5, left=20 * second)], 10.0 * second)
    assert len(steady.known) == 1, "who has gone is forgotten"


def test_an_answer_does_not_flicker(video):
    said = []
    assert webcam.watch(Alternates(), str(video), say=said.append)["frames"] == 6
    assert len(said) == 2 and "happy" in said[1], "the address and one answer, of six frames in 0.4 s"


def test_a_face_that_changes_in_a_video_is_told_by_the_videos_own_clock(video):
    said, answers = [], itertools.chain([seen(0.2)], itertools.repeat(seen(1.0)))
    webcam.watch(Mock(side_effect=lambda _: [next(answers)], certain=0.5), str(video), say=said.append)
    assert len(said) == 3 and "sad" in said[1] and "happy" in said[2]


@pytest.mark.usefixtures("opencv")
def test_a_recording_takes_as_long_as_what_was_seen(tmp_path, monkeypatch):
    clock = iter([0.0, 0.4, 1.2, 1.21, 1.98, 2.0])  # 29.7 frames
    monkeypatch.setattr(videos, "camera", lambda _: iter([np.zeros((360, 360, 3), np.uint8)] * 4))
    monkeypatch.setattr(webcam.time, "perf_counter", lambda: next(clock, 2.0))
    webcam.watch(Mock(return_value=[], certain=0.5), record=tmp_path / "kept.mp4", say=str)
    assert len(list(videos.frames(tmp_path / "kept.mp4"))) == 2 * videos.FPS


def test_a_recording_of_a_video_is_as_fast_as_the_video(opencv, tmp_path):
    writer = videos.writer(tmp_path / "fast.mp4", (64, 64), 30)
    for _ in range(4):
        writer.write(np.zeros((64, 64, 3), np.uint8))
    writer.release()
    webcam.watch(Mock(return_value=[], certain=0.5), str(tmp_path / "fast.mp4"), record=tmp_path / "kept.mp4", say=str)
    assert videos.fps(tmp_path / "kept.mp4") == 30


def test_a_recording_has_the_colours_that_were_seen(video, astronaut, tmp_path):
    webcam.watch(Mock(return_value=[], certain=0.5), str(video), record=tmp_path / "kept.mp4", say=str)
    for _, picture in videos.frames(tmp_path / "kept.mp4"):
        assert picture.mean((0, 1)) == pytest.approx(astronaut[:320, :320].mean((0, 1)), abs=8)


def test_ctrl_c_ends_it_and_the_recording_is_whole(video, tmp_path):
    predictor = Mock(side_effect=[[], [], KeyboardInterrupt], certain=0.5)
    ended = webcam.watch(predictor, str(video), record=tmp_path / "kept.mp4", say=str)
    assert ended["frames"] == 2 and len(list(videos.frames(tmp_path / "kept.mp4"))) == 2


def test_it_ends_after_so_many_seconds(video, monkeypatch):
    clock = itertools.count(0.0, 0.5)
    monkeypatch.setattr(webcam.time, "perf_counter", lambda: next(clock))
    assert webcam.watch(Mock(return_value=[], certain=0.5), str(video), seconds=1.0, say=str)["frames"] == 2


def test_what_is_certain_is_as_the_predictor_has_it(video):
    said = []
    answers = itertools.chain([seen(0.2)], itertools.repeat(seen(0.85)))
    webcam.watch(Mock(side_effect=lambda _: [next(answers)], certain=0.9), str(video), say=said.append)
    assert said[-1].startswith("uncertain: happy")


def seen_by(look):
    """What `look` returns, to be waited for; a thread that waits for ever ends with the tests."""
    seen = queue.Queue()
    threading.Thread(target=lambda: seen.put(look()), daemon=True).start()
    return seen


def test_a_picture_that_came_before_anybody_looked_is_shown():
    stream = webcam.Stream()
    stream.put(b"one")
    stream.put(b"two")
    pictures = iter(stream)
    assert seen_by(lambda: next(pictures)).get(timeout=4) == b"two", "at once"
    stream.put(b"three")
    stream.end()
    assert seen_by(lambda: list(pictures)).get(timeout=30) == [b"three"], "the last one is shown before the stream ends"
    assert seen_by(lambda: list(stream)).get(timeout=30) == [b"three"]


def test_who_waits_for_a_picture_is_told_of_the_end():
    stream = webcam.Stream()
    waiting = seen_by(lambda: list(stream))
    with pytest.raises(queue.Empty):
        waiting.get(timeout=0.2)
    stream.end()
    assert waiting.get(timeout=30) == []


def test_a_picture_is_followed_by_the_head_of_the_next():
    """Or a browser would show it only with the next one."""
    stream = webcam.Stream()
    server = webcam.serve(stream)
    try:
        with urlopen(f"http://127.0.0.1:{server.server_address[1]}/stream?1", timeout=30) as answer:
            assert answer.read(len(webcam.HEAD)) == webcam.HEAD
            stream.put(b"one")
            assert answer.read(5 + len(webcam.HEAD)) == b"one\r\n" + webcam.HEAD
        with pytest.raises(OSError, match=r"port \d+ on this computer is not available .*; leave --port out"):
            webcam.serve(stream, server.server_address[1])
    finally:
        stream.end()
        server.shutdown()
        server.server_close()


def test_a_camera_is_served_to_this_computer_alone_by_either_of_its_names():
    stream = webcam.Stream()
    server = webcam.serve(stream)
    try:
        host, port = server.server_address
        assert host == "127.0.0.1"
        for name in ("127.0.0.1", "localhost"):
            for shown in (f"{name}:{port}", name):  # without a port where that is 80
                request = Request(f"http://{name}:{port}/alive", headers={"Host": shown})
                with urlopen(request, timeout=30) as answer:
                    assert answer.status == 204
    finally:
        stream.end()
        server.shutdown()
        server.server_close()


def test_a_video_is_not_recorded_over_by_whatever_path_it_is_named(video, monkeypatch):
    monkeypatch.chdir(video.parent)
    before = video.read_bytes()
    for record in (video, video.name):
        with pytest.raises(ValueError, match="is the video being read"):
            webcam.watch(Mock(return_value=[], certain=0.5), str(video), record=record, say=str)
        assert video.read_bytes() == before


def test_a_camera(predictor, video, tmp_path, capsys):
    said = []

    def say(line):
        if not said:
            address = line.split()[0]
            assert b"/stream" in urlopen(address).read()
            assert urlopen(address + "alive").status == 204
            for path in ("", "stream", "alive"):  # a page elsewhere whose name leads here
                with pytest.raises(HTTPError, match="403"):
                    urlopen(Request(address + path, headers={"Host": "elsewhere.example"}))
        said.append(line)

    ended = webcam.watch(predictor, str(video), record=tmp_path / "kept.mp4", say=say)
    assert ended["frames"] == 6 and len(said) == 2 and len(list(videos.frames(tmp_path / "kept.mp4"))) == 6
    with pytest.raises(DataError, match=r"nothing\.mp4: found no such file"):
        next(videos.camera("nothing.mp4"))
    (tmp_path / "empty.mp4").write_bytes(b"")
    with pytest.raises(DataError, match=r"empty\.mp4: found no frame that can be read; expected a video"):
        next(videos.camera(str(tmp_path / "empty.mp4")))
    with pytest.raises(DataError, match="camera 99: found no picture"):
        next(videos.camera(99))
    assert cli.main(["webcam", "--camera", "99"]) == 1
    assert "camera 99: found no picture" in capsys.readouterr().err
