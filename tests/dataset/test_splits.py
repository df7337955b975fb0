from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_irdet.dataset.splits import find_split, read_split, split_validation
from edge_irdet.errors import DatasetMissingError, LabelInvalidError, OptionError, SplitEmptyError


def test_split_is_looked_for_as_given_then_in_root_then_in_splits(tmp_path, monkeypatch):
    root = tmp_path / "set"
    (root / "splits").mkdir(parents=True)
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    (root / "splits" / "test.txt").write_text("a\n")
    assert find_split(root, "test") == root / "splits" / "test.txt"
    (root / "test.txt").write_text("a\n")
    assert find_split(root, "test.txt") == root / "test.txt"
    (here / "test.txt").write_text("a\n")
    assert find_split(root, "test.txt").resolve() == here / "test.txt"
    assert find_split(root, root / "splits" / "test.txt") == root / "splits" / "test.txt"


@pytest.mark.parametrize("split", ["absent", "", "."])
def test_missing_split_list(tmp_path, split):
    with pytest.raises(DatasetMissingError):
        find_split(tmp_path, split)


def test_entries_with_and_without_suffix_comments_and_blank_lines(tmp_path):
    path = tmp_path / "list.txt"
    path.write_text(
        "\ufeff# a comment\n\n a \nb.png\nframe.001\nc.JPG\n  # another\r\n./images/train/d.png\n"
    )
    known = ("a", "b", "frame.001", "c", "train/d")
    assert read_split(path, known) == ("a", "b", "frame.001", "c", "train/d")


def test_known_name_that_looks_like_a_suffix_is_kept(tmp_path):
    path = tmp_path / "list.txt"
    path.write_text("clip.png\n")
    assert read_split(path, ("clip.png", "clip")) == ("clip.png",)


def test_known_name_that_leads_through_a_folder_called_images_is_kept(tmp_path):
    path = tmp_path / "list.txt"
    path.write_text("images/a\n")
    assert read_split(path, ("images/a", "a")) == ("images/a",)


def test_list_of_absolute_paths(tmp_path):
    path = tmp_path / "list.txt"
    path.write_text("/data/images/old/images/a.png\n/data/VOC/JPEGImages/b.jpg\n")
    assert read_split(path, ("a", "b")) == ("a", "b")


def test_repeated_image_is_refused_with_both_lines(tmp_path):
    path = tmp_path / "list.txt"
    path.write_text("a\nb\n\na.png\n")
    with pytest.raises(LabelInvalidError, match=r"list\.txt:4: the image 'a' is listed already on line 1"):
        read_split(path, ("a", "b"))


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing\n"])
def test_empty_list(tmp_path, text):
    path = tmp_path / "list.txt"
    path.write_text(text)
    with pytest.raises(SplitEmptyError, match="names no image"):
        read_split(path, ("a",))


def test_list_that_is_not_text(tmp_path):
    path = tmp_path / "list.txt"
    path.write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(LabelInvalidError, match="not UTF-8"):
        read_split(path, ("a",))


NAMES = tuple(f"image_{number}" for number in range(100))


@given(st.permutations(NAMES), st.floats(0.05, 0.9), st.integers(-5, 5))
def test_division_does_not_depend_on_the_order(names, fraction, seed):
    training, validation = split_validation(NAMES, fraction, seed)
    training_again, validation_again = split_validation(names, fraction, seed)
    assert set(validation) == set(validation_again)
    assert set(training) | set(validation) == set(NAMES)
    assert not set(training) & set(validation)
    assert len(validation) == round(100 * fraction)
    assert list(validation_again) == [name for name in names if name in set(validation)]
    assert list(training_again) == [name for name in names if name in set(training)]


def test_division_is_the_same_everywhere():
    # The two least of: for i in 0..9, printf "0:image_$i" | sha256sum
    assert split_validation(NAMES[:10], 0.2, 0)[1] == ("image_1", "image_8")


def test_seed_changes_the_division():
    assert len({split_validation(NAMES, 0.2, seed)[1] for seed in range(5)}) == 5


def test_one_more_image_moves_at_most_one_other():
    before = set(split_validation(NAMES, 0.2, 0)[1])
    after = set(split_validation((*NAMES, "another"), 0.2, 0)[1])
    assert len(before - after) <= 1


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1, 1.5, float("nan")])
def test_fraction_out_of_range(fraction):
    with pytest.raises(OptionError, match="fraction"):
        split_validation(NAMES, fraction, 0)


def test_lists_that_cannot_be_divided():
    with pytest.raises(OptionError, match="twice"):
        split_validation(("a", "a", "b"), 0.5, 0)
    with pytest.raises(OptionError, match="leaves none to train on"):
        split_validation(("a",), 0.5, 0)
    with pytest.raises(OptionError, match="leaves none to train on"):
        split_validation((), 0.5, 0)
