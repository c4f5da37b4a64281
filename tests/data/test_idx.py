import struct
from pathlib import Path

import numpy as np
import pytest
from torchvision.datasets.mnist import read_image_file, read_label_file

from dlstudy.core.base.errors import DataError
from dlstudy.data.image_sets import read_idx

IMAGES = bytes(range(12))  # two images of 2 rows and 3 columns
IMAGES_HEADER = struct.pack(">4B3I", 0, 0, 8, 3, 2, 2, 3)
LABELS = struct.pack(">4BI", 0, 0, 8, 1, 3) + bytes([7, 0, 255])


def file_of(folder: Path, content: bytes) -> Path:
    path = folder / "some-idx-ubyte"
    path.write_bytes(content)
    return path


def test_images_have_items_rows_and_columns(tmp_path):
    images = read_idx(file_of(tmp_path, IMAGES_HEADER + IMAGES))
    assert images.dtype == np.uint8
    assert images.tolist() == [[[0, 1, 2], [3, 4, 5]], [[6, 7, 8], [9, 10, 11]]]


def test_labels_have_items(tmp_path):
    assert read_idx(file_of(tmp_path, LABELS)).tolist() == [7, 0, 255]


def test_reads_what_torchvision_reads(tmp_path):
    images = file_of(tmp_path, IMAGES_HEADER + IMAGES)
    assert read_idx(images).tolist() == read_image_file(str(images)).tolist()
    labels = file_of(tmp_path, LABELS)
    assert read_idx(labels).tolist() == read_label_file(str(labels)).tolist()


def test_the_array_may_be_written_to(tmp_path):
    assert read_idx(file_of(tmp_path, LABELS)).flags.writeable  # torch warns of arrays that may not


@pytest.mark.parametrize(
    ("content", "expected", "found"),
    [
        (b"", "00000801 or 00000803", "nothing"),
        (b"\x00\x00", "00000801 or 00000803", "0000"),
        (b"\x1f\x8b\x08\x00" + IMAGES, "00000801 or 00000803", "1f8b0800"),  # still compressed
        (struct.pack(">4B3I", 0, 0, 13, 3, 2, 2, 3) + IMAGES, "00000801 or 00000803", "00000d03"),  # floats
        (struct.pack(">4B2I", 0, 0, 8, 2, 4, 3) + IMAGES, "00000801 or 00000803", "00000802"),
        (IMAGES_HEADER[:10], "a header of 16 bytes", "10"),
        (IMAGES_HEADER, "16 + 2 x 2 x 3 = 28 bytes", "16"),
        (IMAGES_HEADER + IMAGES[:-1], "16 + 2 x 2 x 3 = 28 bytes", "27"),
        (LABELS + b"\x00", "8 + 3 = 11 bytes", "12"),
    ],
)
def test_a_damaged_file_is_named_with_what_was_expected_and_found(tmp_path, content, expected, found):
    path = file_of(tmp_path, content)
    with pytest.raises(DataError) as caught:
        read_idx(path)
    assert str(caught.value).startswith(f"{path}: expected ")
    assert expected in str(caught.value)
    assert str(caught.value).endswith(f", found {found}")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match="absent-idx: expected an IDX file, found none"):
        read_idx(tmp_path / "absent-idx")
