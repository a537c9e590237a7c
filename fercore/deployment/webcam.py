"""What a camera sees, with the faces named, in a browser: OpenCV's headless wheel has no windows of its own.

`fercore webcam` serves it on this computer alone, and nothing is kept unless a file to record to is named.
"""

from __future__ import annotations

import io
import itertools
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
from PIL import Image

from . import detect, videos
from .predict import LIMITS, NO_FACE, Face, Predictor, draw

PAGE = f"""<!doctype html><html lang="en"><meta charset="utf-8"><title>fercore webcam</title>
<body style="margin:0;background:#111;color:#eee;font:16px sans-serif;text-align:center">
<img src="/stream" alt="the camera's picture with the faces named" style="max-width:100%;max-height:88vh">
<p role="status" id="ended" hidden>The stream has ended; this is its last frame.</p>
<p>{LIMITS}</p>
<script>
const [picture, ended] = [document.querySelector("img"), document.getElementById("ended")];
setInterval(async () => {{
  const alive = await fetch("/alive").then((answer) => answer.ok, () => false);
  if (alive && !ended.hidden) picture.src = "/stream?" + Date.now();  // somebody has started it again
  ended.hidden = alive;
}}, 1000);
</script></body></html>"""
QUALITY = 80  # of the JPEG pictures
HALF_LIFE = 0.3  # s: several frames; an answer changes about so long after the face does, and less is not shown
REMEMBERED = 1.2  # s: by then what was said weighs a sixteenth
HEAD = b"--frame\r\nContent-Type: image/jpeg\r\n\r\n"


class Steady:
    """Faces tracked from frame to frame, so that an answer does not flicker where the face is still: each gets an
    exponential moving average of the network's probabilities, in which a weight halves with every HALF_LIFE. The first
    answer begins with all the weight, so that a wrong one is shown for about HALF_LIFE.

    A face goes on as the earlier one that it overlaps most, each as one at most, if by more than detect.OVERLAP; else
    it is new. One that is not found is kept for REMEMBERED.
    """

    def __init__(self, certain: float):
        self.certain = certain
        self.known: list[tuple[Face, float]] = []  # with when each was seen last

    def __call__(self, faces: Sequence[Face], seconds: float) -> list[Face]:
        """The same faces, seen `seconds` after the start, with their averages."""
        known = [(face, seen) for face, seen in self.known if seconds - seen <= REMEMBERED]
        pairs = ((_overlap(face, old), i, j) for i, face in enumerate(faces) for j, (old, _) in enumerate(known))
        earlier: dict[int, int] = {}
        for shared, i, j in sorted(pairs, reverse=True):
            if shared > detect.OVERLAP and i not in earlier and j not in earlier.values():
                earlier[i] = j
        steady = [
            self._average(face, seconds, *known[earlier[number]]) if number in earlier else face
            for number, face in enumerate(faces)
        ]
        missed = [one for number, one in enumerate(known) if number not in earlier.values()]
        self.known = [(face, seconds) for face in steady] + missed
        return steady

    def _average(self, face: Face, seconds: float, before: Face, seen: float) -> Face:
        weight = 0.5 ** ((seconds - seen) / HALF_LIFE)
        pairs = ((name, before.probabilities[name], now) for name, now in face.probabilities.items())
        means = {name: weight * then + (1 - weight) * now for name, then, now in pairs}
        return replace(face, probabilities=means, certain=max(means.values()) >= self.certain)


def _overlap(one: Face, other: Face) -> float:
    """Of the boxes; 1 of two whole pictures."""
    if one.box is None or other.box is None:
        return float(one.box is other.box)
    return detect.overlap(one.box, other.box)


class Stream:
    """The latest picture, for as many browsers as look."""

    def __init__(self):
        self.changed, self.jpeg, self.count, self.ended = threading.Condition(), b"", 0, False

    def put(self, jpeg: bytes) -> None:
        with self.changed:
            self.jpeg, self.count = jpeg, self.count + 1
            self.changed.notify_all()

    def end(self) -> None:
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def __iter__(self) -> Iterator[bytes]:
        """The current picture; then, whenever one has been dealt with, the latest; and always the last."""
        taken = 0
        while True:
            with self.changed:
                while self.count == taken and not self.ended:
                    self.changed.wait()
                if self.count == taken:
                    return
                taken, jpeg = self.count, self.jpeg
            yield jpeg


def serve(stream: Stream, port: int = 0) -> ThreadingHTTPServer:
    """A web server of `stream` for this computer alone, on `port` or any that is free; runs until it is shut down.
    Raises OSError where the port is taken."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            if self.headers.get("Host", "").partition(":")[0] not in ("127.0.0.1", "localhost"):
                self.send_error(403)  # a page elsewhere, whose name was made to lead here
            elif self.path == "/":
                body = PAGE.encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            elif self.path == "/alive":
                self.send_response(204)
                self.end_headers()
            elif self.path.partition("?")[0] == "/stream":
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
                self.end_headers()
                try:
                    self.wfile.write(HEAD)
                    for jpeg in stream:  # a browser shows a picture when the head of the next one has come
                        self.wfile.write(jpeg + b"\r\n" + HEAD)
                except OSError:
                    pass  # the browser has gone
            else:
                self.send_error(404)

        def log_message(self, *_):
            pass

    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    except OSError as error:
        raise OSError(f"port {port} on this computer is not available ({error.strerror}); leave --port out") from None
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def watch(
    predictor: Predictor,
    source: int | str = 0,
    port: int = 0,
    seconds: float | None = None,
    record: str | Path | None = None,
    say=print,
) -> dict[str, float]:
    """Name the faces that a camera sees until it ends, `seconds` are over or Ctrl-C; returns frames, seconds and fps.
    Answers are averaged over time, see `Steady`.

    record  a video (.mp4, .webm) of what is drawn, as fast as it was seen
    say     what gets a line for the address and for every change of answer
    Raises DataError where the camera gives no picture, and ValueError for a recording in the place of what is seen.
    """
    stream, said, video = Stream(), "", isinstance(source, str) and Path(source).is_file()
    if record and video and Path(record).resolve() == Path(source).resolve():
        raise ValueError(f"{record} is the video being read: name another file to record to")
    fps = videos.fps(Path(source)) if video else videos.FPS
    recording, steady = _Recording(record, fps), Steady(predictor.certain)
    pictures = videos.camera(source)
    first = next(pictures)  # an error comes before an address is told
    server = serve(stream, port)
    say(f"http://127.0.0.1:{server.server_address[1]}/ shows it; Ctrl-C ends it. {LIMITS}")
    started, count = time.perf_counter(), 0
    try:
        for picture in itertools.chain([first], pictures):
            faces = predictor(picture)
            count += 1
            passed = time.perf_counter() - started
            faces = steady(faces, count / fps if video else passed)
            image = draw(picture, faces)
            buffer = io.BytesIO()
            image.save(buffer, "JPEG", quality=QUALITY)
            stream.put(buffer.getvalue())
            if record:
                recording.write(image, None if video else passed)
            if (told := "; ".join(face.label for face in faces) or NO_FACE) != said:
                said = told
                say("; ".join(map(str, faces)) or told)
            if seconds is not None and passed >= seconds:
                break
    except KeyboardInterrupt:
        pass
    finally:
        stream.end()
        server.shutdown()
        server.server_close()
        recording.close()
    passed = time.perf_counter() - started
    return {"frames": count, "seconds": passed, "fps": count / passed}


class _Recording:
    """A video of pictures that come as fast as they can be looked at: each fills the time since the one before."""

    def __init__(self, path: str | Path | None, fps: float):
        self.path, self.fps, self.count, self.writer = path, fps, 0, None

    def write(self, image: Image.Image, seconds: float | None) -> None:
        """Add what was seen `seconds` after the start; None: one frame after the last."""
        self.writer = self.writer or videos.writer(self.path, image.size, self.fps)
        until = self.count + 1 if seconds is None else round(seconds * self.fps)
        for _ in range(self.count, until):
            self.writer.write(np.asarray(image)[:, :, ::-1])
        self.count = max(self.count, until)

    def close(self) -> None:
        if self.writer is not None:
            self.writer.release()
