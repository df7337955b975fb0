from __future__ import annotations

import pytest

from edge_irdet.dataset.opening import read_dataset
from edge_irdet.dataset.sample import MaskSource
from edge_irdet.errors import DatasetMissingError, LabelInvalidError


def test_one_based_inclusive_boxes(voc_root):
    dataset = read_dataset(voc_root)
    assert dataset.classes == ("bird", "drone")
    sample = dataset[0]
    # Columns 6..8 and rows 3..4 counted from 1; the pixel in the last corner.
    assert sample.boxes.tolist() == [[5, 2, 8, 4], [39, 29, 40, 30]]
    assert sample.classes.tolist() == [1, 0]
    assert sample.mask_source is MaskSource.BOXES
    assert sample.mask.sum() == 3 * 2 + 1


def test_annotation_without_objects(voc_root):
    assert read_dataset(voc_root)[1].boxes.shape == (0, 4)


def test_split_from_image_sets(voc_root):
    dataset = read_dataset(voc_root, "test")
    assert dataset.names == ("b",)
    assert dataset.classes == ("bird", "drone")  # of the whole set


def test_listed_classes_give_the_order(voc_root):
    (voc_root / "classes.txt").write_text("drone\nbird\n")
    assert read_dataset(voc_root)[0].classes.tolist() == [0, 1]
    (voc_root / "classes.txt").write_text("drone\n")
    with pytest.raises(LabelInvalidError, match="object 2 has the class 'bird', not one of drone"):
        read_dataset(voc_root)[0]


def test_missing_annotation_is_found_at_opening(voc_root):
    (voc_root / "Annotations" / "b.xml").unlink()
    with pytest.raises(DatasetMissingError, match="'b' has no annotation"):
        read_dataset(voc_root)


def test_set_without_annotations(voc_root):
    for path in (voc_root / "Annotations").iterdir():
        path.unlink()
    with pytest.raises(DatasetMissingError, match=r"holds no \.xml"):
        read_dataset(voc_root)


def test_set_without_objects_needs_listed_classes(voc_root, voc_xml):
    (voc_root / "Annotations" / "a.xml").write_text(voc_xml())
    with pytest.raises(LabelInvalidError, match="no class is known"):
        read_dataset(voc_root)
    (voc_root / "classes.txt").write_text("target\n")
    assert len(read_dataset(voc_root)[0].boxes) == 0


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        (("drone", 0, 3, 8, 4), "VOC counts pixels from 1"),
        (("drone", 6, 3, "wide", 4), "<xmax> is 'wide', not a number"),
        (("drone", 6, "", 8, 4), "<ymin> is None, not a number|<ymin> is '', not a number"),
        (("drone", 6, 3, "nan", 4), "not a number"),
        (("drone", 6, 3, 4, 4), "has no area"),
        (("drone", 6, 3, 60, 4), "20 px outside the 40x30 image"),
    ],
)
def test_bad_objects_are_named(voc_root, voc_xml, target, problem):
    (voc_root / "Annotations" / "a.xml").write_text(voc_xml(("drone", 6, 3, 8, 4), target))
    with pytest.raises(LabelInvalidError, match=problem) as caught:
        read_dataset(voc_root)[0]
    assert "a.xml object 2" in caught.value.what


def test_object_without_name(voc_root, voc_xml):
    (voc_root / "Annotations" / "a.xml").write_text(voc_xml(("", 6, 3, 8, 4)))
    with pytest.raises(LabelInvalidError, match=r"a\.xml object 1 has no <name>"):
        read_dataset(voc_root)


def test_image_of_another_size_than_annotated(voc_root, voc_xml):
    (voc_root / "Annotations" / "a.xml").write_text(voc_xml(("drone", 6, 3, 8, 4), width=80))
    with pytest.raises(LabelInvalidError, match="says 80x30, but the image is 40x30"):
        read_dataset(voc_root)[0]
    (voc_root / "Annotations" / "a.xml").write_text(voc_xml(("drone", 6, 3, 8, 4), width=0, height=0))
    assert len(read_dataset(voc_root)[0].boxes) == 1


ENTITY_EXPANSION = """<?xml version="1.0"?>
<!DOCTYPE annotation [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>
<annotation><object><name>&c;</name></object></annotation>"""

EXTERNAL_ENTITY = """<?xml version="1.0"?>
<!DOCTYPE annotation [<!ENTITY secret SYSTEM "file:///etc/hostname">]>
<annotation><object><name>&secret;</name></object></annotation>"""


@pytest.mark.parametrize("text", [ENTITY_EXPANSION, EXTERNAL_ENTITY])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_document_types_are_refused(voc_root, text, encoding):
    if encoding == "utf-16":
        text = text.replace('version="1.0"', 'version="1.0" encoding="utf-16"')
    (voc_root / "Annotations" / "a.xml").write_bytes(text.encode(encoding))
    with pytest.raises(LabelInvalidError, match="declares a document type"):
        read_dataset(voc_root)


@pytest.mark.parametrize(
    "content", [b"", b"<annotation>", b"\x00\x01", b'<?xml version="1.0" encoding="klingon"?><a/>']
)
def test_malformed_xml(voc_root, content):
    (voc_root / "Annotations" / "a.xml").write_bytes(content)
    with pytest.raises(LabelInvalidError, match=r"a\.xml cannot be parsed"):
        read_dataset(voc_root)


@pytest.mark.parametrize(("width", "height"), [(" 40 ", "30.0"), ("40.0", "\n30\n")])
def test_sizes_as_other_tools_write_them(voc_root, voc_xml, width, height):
    (voc_root / "Annotations" / "a.xml").write_text(
        voc_xml((" drone ", " 6 ", "3.0", 8, 4), width=width, height=height)
    )
    assert read_dataset(voc_root)[0].boxes.tolist() == [[5, 2, 8, 4]]


def test_a_size_that_is_none(voc_root, voc_xml):
    (voc_root / "Annotations" / "a.xml").write_text(voc_xml(("drone", 6, 3, 8, 4), width="wide"))
    with pytest.raises(LabelInvalidError, match="widex30, which is not a size"):
        read_dataset(voc_root)[0]


def test_an_object_given_twice_counts_once(voc_root, voc_xml, caplog):
    (voc_root / "Annotations" / "a.xml").write_text(voc_xml(("drone", 6, 3, 8, 4), ("drone", 6, 3, 8, 4)))
    assert len(read_dataset(voc_root)[0].boxes) == 1
    assert "labelled twice" in caplog.text
