"""Image files and list files of any provenance: what is read, and what each damaged one is told."""

import contextlib
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from fercore.datasets import images, text
from fercore.datasets.faces import DataError


def paint(path: Path, value=100, size=(8, 6), mode="L", **options) -> Path:
    """An image of one grey level, `size` = (height, width)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", size[::-1], value).convert(mode).save(path, **options)
    return path


def bomb(path: Path, side=30_000) -> Path:
    """A PNG of a few bytes that claims `side` x `side` pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"0")) + chunk(b"IEND", b"")
    )
    return path


# -- which files ---------------------------------------------------------------------------------------------------


def test_listing_is_in_natural_order_and_takes_visible_images_only(tmp_path):
    for name in ("10.jpeg", "9.jpeg", "1.PNG", "._9.jpeg", ".hidden.png"):
        paint(tmp_path / name, format="PNG")
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "folder.png").mkdir()
    paint(tmp_path / ".cache" / "1.png")
    paint(tmp_path / "b" / "2.png")
    assert [path.name for path in images.listing(tmp_path)] == ["1.PNG", "9.jpeg", "10.jpeg"]
    assert [path.name for path in images.folders(tmp_path)] == ["b", "folder.png"]


def test_natural_order_is_total_for_odd_names():
    names = ["1", "a1", "", "01", "²", "a", "1a", "a²1", "10", "9"]
    backwards = names[::-1]
    assert sorted(names, key=images.natural) == sorted(backwards, key=images.natural)
    assert sorted(["a10", "a9", "a1b2"], key=images.natural) == ["a1b2", "a9", "a10"]


def test_folder_names_what_is_not_there(tmp_path):
    with pytest.raises(DataError, match="nowhere: found no such folder"):
        images.folder(tmp_path / "nowhere")
    (tmp_path / "set.zip").write_bytes(b"x")
    with pytest.raises(DataError, match=r"set\.zip: found a file; expected a folder"):
        images.folder(tmp_path / "set.zip")
    with pytest.raises(DataError, match="Image: found no such folder; expected the folders Image, Label"):
        images.folder(tmp_path, "Image", "Label")
    assert images.folder(str(tmp_path)) == tmp_path


@pytest.mark.parametrize("name", ["../out.png", "a/../../out.png", "/etc/hostname", "link/out.png", "direct.png"])
def test_inside_refuses_whatever_leads_out(tmp_path, name):
    root = tmp_path / "root"
    root.mkdir()
    paint(tmp_path / "out.png")
    (root / "link").symlink_to(tmp_path)
    (root / "direct.png").symlink_to(tmp_path / "out.png")
    with pytest.raises(DataError, match="leads to") as error:
        images.inside(root, name)
    assert Path(name).name in str(error.value)


def test_inside_takes_a_root_that_is_a_link_and_a_sibling_of_like_name_is_out(tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set2").mkdir()
    (tmp_path / "alias").symlink_to(tmp_path / "set")
    assert images.inside(tmp_path / "alias", "a/../b.png") == tmp_path / "alias" / "a/../b.png"
    with pytest.raises(DataError, match="leads to"):
        images.inside(tmp_path / "set", "../set2/a.png")


def test_present_counts_the_missing_and_names_the_first(tmp_path):
    paint(tmp_path / "a.png")
    assert images.present(tmp_path, ["a.png"]) == [tmp_path / "a.png"]
    with pytest.raises(DataError, match=r"c\.png: found no such file; 2 are missing; expected all 3 images"):
        images.present(tmp_path, ["a.png", "c.png", "b.png"])
    with pytest.raises(DataError, match="found no such file; expected all 1 images"):
        images.present(tmp_path, ["n" * 5000 + ".png"])


# -- decoding ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "webp", "gif", "pgm", "jpg"])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_every_format_decodes_to_its_values(tmp_path, suffix, mode):
    options = {"lossless": True} if suffix == "webp" else {"quality": 100} if suffix == "jpg" else {}
    path = paint(tmp_path / f"a.{suffix}", 173, (5, 7), **options)
    image = images.decode(path, mode)
    assert image.dtype == np.uint8 and image.shape == ((5, 7) if mode == "L" else (5, 7, 3))
    assert np.abs(image.astype(int) - 173).max() <= 1


def test_rgb_turns_grey_by_luma_and_channels_keep_their_order(tmp_path):
    Image.new("RGB", (4, 4), (200, 100, 50)).save(tmp_path / "a.png")
    assert images.decode(tmp_path / "a.png", "RGB")[0, 0].tolist() == [200, 100, 50]
    assert abs(int(images.decode(tmp_path / "a.png", "L")[0, 0]) - round(0.299 * 200 + 0.587 * 100 + 0.114 * 50)) <= 1


def test_size_is_height_then_width_and_a_box_is_cut_first(tmp_path):
    image = np.zeros((20, 30), np.uint8)
    image[5:10, 12:18] = 240
    Image.fromarray(image).save(tmp_path / "a.png")
    cut = images.decode(tmp_path / "a.png", "L", (3, 4), (12, 5, 18, 10))
    assert cut.shape == (3, 4) and (cut == 240).all()
    assert (images.decode(tmp_path / "a.png", "L", None, lambda pixels: (12, 5, 18, 10)) == 240).all()
    assert images.decode(tmp_path / "a.png", "L", None, lambda pixels: None).shape == (20, 30)


def test_an_overreaching_box_is_cut_at_the_edge(tmp_path):
    path = paint(tmp_path / "a.png", 90, (20, 30))
    cut = images.decode(path, "L", None, (-2, -1, 28, 21))
    assert cut.shape == (20, 28) and (cut == 90).all()


@pytest.mark.parametrize(
    "box",
    [
        (40, 0, 50, 10),
        (0, 0, 0, 10),
        (5, 5, 5, 5),
        (10, 0, 5, 10),
        (0, 0, 300, 20),
        (-40, -40, -1, -1),
        (29, 19, 59, 39),
    ],
)
def test_a_box_outside_the_image_is_refused(tmp_path, box):
    path = paint(tmp_path / "a.png", 90, (20, 30))
    with pytest.raises(DataError, match=r"a\.png: found face box .* image of 30 x 20 pixels"):
        images.decode(path, "L", None, box)


def test_a_photograph_is_turned_upright(tmp_path):
    image = Image.fromarray(np.repeat(np.array([[10], [200]], np.uint8), 8, 1).repeat(4, 0))  # dark above, light below
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    image.save(tmp_path / "a.png", exif=exif)
    assert images.decode(tmp_path / "a.png", "L")[0, 0] == 200


def test_a_picture_with_a_damaged_exif_block_is_read(tmp_path):
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 3, "a description"
    path = paint(tmp_path / "a.jpg", 77, exif=exif)
    damaged = bytearray(path.read_bytes())
    damaged[damaged.index(b"Exif") + 17] = 0  # the description's tag becomes one that Pillow cannot handle
    path.write_bytes(damaged)
    with Image.open(path) as image, pytest.raises(struct.error):
        ImageOps.exif_transpose(image)
    assert images.decode(path, "L")[0, 0] == 77


def truncated(path):
    noise = np.random.default_rng(0).integers(0, 256, (40, 40), np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


DAMAGED = {
    "truncated.png": (truncated, "cannot be decoded"),
    "truncated.jpg": (truncated, "cannot be decoded"),
    "text.jpg": (lambda path: path.write_text("<html>login</html>"), "cannot be decoded"),
    "empty.png": (lambda path: path.write_bytes(b""), "cannot be decoded"),
    "nul.png": (lambda path: path.write_bytes(bytes(1000)), "cannot be decoded"),
    "folder.png": (lambda path: path.mkdir(), "cannot be decoded"),
    "bomb.png": (bomb, "decompression bomb"),
    "large.png": (lambda path: bomb(path, 13_000), "13000 x 13000 pixels; expected an image of at most 89000000 "),
    "phone.png": (lambda path: bomb(path, 8_000), "truncated"),  # 64 million pixels, as photographs have them
    "deep.png": (
        lambda path: Image.fromarray(np.full((4, 4), 9000, np.uint16)).save(path),
        "8 bits per channel: convert it",
    ),
    "huge.png": (lambda path: bomb(path, 20_000), "found more pixels; expected an image of at most"),
    "deep.tif": (lambda path: Image.fromarray(np.zeros((4, 4), np.float32)).save(path), "8 bits per channel"),
    "missing.png": (lambda path: None, "no such file"),
    "script.png": (
        lambda path: path.write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"),
        "cannot be decoded",
    ),
}


@pytest.mark.filterwarnings("ignore:Image size")
@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_image_is_named(tmp_path, name):
    damage, finding = DAMAGED[name]
    damage(tmp_path / name)
    with pytest.raises(DataError, match=finding) as error:
        images.decode(tmp_path / name, "RGB")
    assert str(tmp_path / name) in str(error.value)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"no", "(not an image in a known format)"),
        (b"", "(an empty file)"),
        (b"\0\0\0\x18ftypheic" + bytes(500), "(HEIC, which is not read here: save it as JPEG)"),
    ],
)
def test_an_upload_that_is_no_picture_is_told_without_what_only_python_knows(content, told):
    with pytest.raises(DataError, match=r"me\.heic: found an image that cannot be decoded") as error:
        images.decode_upload("me.heic", content)
    assert told in str(error.value)


@pytest.mark.filterwarnings("ignore")
def test_any_flipped_byte_gives_an_image_or_a_data_error(tmp_path):
    """Pillow raises many kinds of exception for damaged files; none but DataError may come through."""
    rng = np.random.default_rng(1)
    for suffix in ("png", "jpg", "tif", "bmp", "gif", "webp"):
        whole = paint(tmp_path / f"a.{suffix}", 100, (12, 12), "RGB").read_bytes()
        for _ in range(40):
            damaged = bytearray(whole)
            for at in rng.integers(0, len(whole), 3):
                damaged[at] = rng.integers(256)
            (tmp_path / f"b.{suffix}").write_bytes(damaged)
            with contextlib.suppress(DataError):
                assert images.decode(tmp_path / f"b.{suffix}", "L", (4, 4)).shape == (4, 4)


# -- whole sets ----------------------------------------------------------------------------------------------------


def test_decode_all_keeps_the_order_across_chunks_and_fills_the_given_array(tmp_path, monkeypatch):
    monkeypatch.setattr(images, "CHUNK", 7)
    paths = [paint(tmp_path / f"{value}.png", value) for value in range(50)]
    given = []

    def allocate(shape):
        given.append(np.empty(shape, np.uint8))
        return given[-1]

    pixels = images.decode_all(paths, "L", allocate=allocate)
    assert pixels is given[0] and len(given) == 1 and pixels.shape == (50, 8, 6)
    assert (pixels == np.arange(50)[:, None, None]).all()


def test_decode_all_cuts_each_image_by_its_own_box(tmp_path):
    row = np.arange(40, dtype=np.uint8)[None].repeat(40, 0)
    Image.fromarray(row).save(tmp_path / "a.png")
    pixels = images.decode_all([tmp_path / "a.png"] * 5, "L", None, [(x, 0, x + 1, 2) for x in range(5)])
    assert pixels[:, 0, 0].tolist() == [0, 1, 2, 3, 4]


def test_of_many_failures_the_first_is_reported(tmp_path):
    paths = [paint(tmp_path / f"{index}.png") for index in range(40)]
    for index in (9, 11, 30):
        paths[index].write_bytes(b"x")
    for _ in range(5):
        with pytest.raises(DataError, match=r"/9\.png"):
            images.decode_all(paths, "L")


def test_mixed_sizes_need_a_size(tmp_path):
    paths = [paint(tmp_path / "a.png", 1, (8, 6)), paint(tmp_path / "b.png", 2, (8, 7))]
    with pytest.raises(DataError, match=r"b\.png: found 7 x 8 pixels; expected 6 x 8 pixels, as a\.png has"):
        images.decode_all(paths, "L")
    assert images.decode_all(paths, "RGB", (5, 4)).shape == (2, 5, 4, 3)


def test_frames_without_a_face_stay_whole_and_are_counted(tmp_path):
    paths = [paint(tmp_path / f"{value}.png", value, (10, 10)) for value in (10, 20, 30)]
    seen = []

    def crop(image):
        seen.append(int(image[0, 0]))
        return None if image[0, 0] == 20 else (0, 0, 5, 5)

    pixels, note = images.decode_frames(paths, "L", (10, 10), crop)
    assert sorted(seen) == [10, 20, 30] and pixels[:, 0, 0].tolist() == [10, 20, 30]
    assert "1 of 3" in note
    assert "no face detector" in images.decode_frames(paths, "L", None, None)[1]


def test_a_failing_detector_is_not_taken_for_a_damaged_image(tmp_path):
    with pytest.raises(ZeroDivisionError):
        images.decode_frames([paint(tmp_path / "a.png")], "L", None, lambda image: 1 / 0)


@pytest.mark.parametrize("size", [0, -1, (0, 5), (10**6, 10**6)])
def test_a_size_that_is_none_is_refused(size):
    with pytest.raises(ValueError, match="size is"):
        images.hw(size)


def test_sizes_and_modes(tmp_path):
    assert images.hw(None) is None and images.hw(5) == (5, 5) and images.hw((5, 4)) == images.hw([5, 4]) == (5, 4)
    with pytest.raises(ValueError, match="mode is"):
        images.decode(paint(tmp_path / "a.png"), "HSV")


# -- list files ----------------------------------------------------------------------------------------------------


def test_lines_are_read_as_they_are_meant(tmp_path):
    (tmp_path / "a.csv").write_bytes(b'\xef\xbb\xbfa,"b,c"\r\n\r\nd,\xc3\xa4\n  \n')
    assert [line for _, line in text.lines(tmp_path / "a.csv")] == ['a,"b,c"', "d,ä"]
    rows = list(text.rows(tmp_path / "a.csv"))
    assert [fields for _, fields in rows] == [["a", "b,c"], ["d", "ä"]]
    assert rows[1][0].endswith("a.csv: line 3")


def test_quoted_fields_are_read_after_a_blank_and_over_lines(tmp_path):
    (tmp_path / "a.csv").write_text(
        'file_name, caption, label\n"a.png", "a man,\nwho ""smiles""", "happy"\nb.png,c,sad\n'
    )
    found = [(where.rpartition(" ")[2], fields) for where, fields in text.rows(tmp_path / "a.csv")]
    assert found == [
        ("1", ["file_name", "caption", "label"]),
        ("2", ["a.png", 'a man,\nwho "smiles"', "happy"]),
        ("4", ["b.png", "c", "sad"]),
    ]
    (tmp_path / "a.csv").write_text('a,b\nc,"d\n' + "e,f\n" * 1000)
    with pytest.raises(DataError, match=r"line 2: found a line that is not CSV"):
        list(text.rows(tmp_path / "a.csv"))


@pytest.mark.parametrize(
    ("content", "finding"),
    [
        (None, "list: found no such file"),
        (b"", "list: found an empty file"),
        (b"\xef\xbb\xbf\r\n \n", "list: found an empty file"),
        (b"a,b\nc,\0d\n", "list: line 2: found a NUL byte"),
        ("a,b".encode("utf-16"), "list: line 1: found a NUL byte"),
        (b"a,b\n\xff\xfe,c\n", "list: line 2: found bytes that are not text"),
        (b'a,b\n"c,d\n', "list: line 2: found a line that is not CSV"),
    ],
)
def test_a_damaged_list_is_named(tmp_path, content, finding):
    if content is not None:
        (tmp_path / "list").write_bytes(content)
    with pytest.raises(DataError, match=finding):
        list(text.rows(tmp_path / "list"))


def test_a_folder_in_place_of_a_list_is_named(tmp_path):
    with pytest.raises(DataError, match="found no ordinary file"):
        list(text.lines(tmp_path))


@pytest.mark.parametrize("written", ["3", " 3 ", "3.0", "   3.0000000e+00"])
def test_a_code_may_be_written_as_a_float(written):
    assert text.code("x", written, range(8)) == 3


@pytest.mark.parametrize("written", ["8", "-1", "2.5", "nan", "inf", "", "three", "1e99", "3 4"])
def test_a_code_outside_its_range_is_refused(written):
    with pytest.raises(DataError, match="row 5: found label"):
        text.code("row 5", written, range(8))


@pytest.mark.parametrize("value", ["1", 1, 1.0, b"1", np.array(["1"])])
def test_a_scalar_of_any_type_is_text(tmp_path, value):
    np.save(tmp_path / "a.npy", value)
    assert float(text.scalar(tmp_path / "a.npy")) == 1


@pytest.mark.parametrize("value", [np.array({"a": 1}, object), np.arange(3), np.array([]), b"garbage", b""])
def test_an_array_that_is_no_scalar_is_refused(tmp_path, value):
    if isinstance(value, bytes):
        (tmp_path / "a.npy").write_bytes(value)
    else:
        np.save(tmp_path / "a.npy", value)
    with pytest.raises(DataError, match=r"a\.npy: found"):
        text.scalar(tmp_path / "a.npy")


def test_what_a_palette_hides_is_not_shown(tmp_path):
    image = Image.new("P", (4, 4), 0)
    image.putpalette([0, 0, 0, 200, 200, 200])
    image.save(tmp_path / "hidden.png", transparency=0)
    assert (images.decode(tmp_path / "hidden.png", "L") == 255).all()  # on white, as other transparent images
