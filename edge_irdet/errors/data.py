"""3xx: labelled data."""

from __future__ import annotations

from edge_irdet.errors.base import EdgeIrdetError


class DatasetMissingError(EdgeIrdetError):
    """The data set's folder, or a file that its layout needs, is not there."""

    code = "E301"
    title = "data set missing"
    when = "The folder of the data set, a split list, or a label or mask that the layout needs is missing."
    check = "The message lists the places that were tried."
    fix = "Correct `--data` and `--split`. Name the layout with `--layout` if it is not recognised."


class SplitEmptyError(EdgeIrdetError):
    """The split list names no image."""

    code = "E302"
    title = "split empty"
    when = "A split list names no image."
    check = "`cat` the list. Blank lines and lines that start with `#` do not count."
    fix = "Write one image name per line, with or without suffix."


class LabelInvalidError(EdgeIrdetError):
    """A label file cannot be parsed or holds a value out of range."""

    code = "E303"
    title = "label invalid"
    when = "A label file cannot be parsed, or holds a value that is out of range or not a number."
    check = "The message gives the file, the line and the value."
    fix = "Correct the label. Labels are never clipped silently."


class MaskSizeError(EdgeIrdetError):
    """A mask has another size than its image."""

    code = "E304"
    title = "mask size"
    when = "A mask has another size than its image."
    check = "The message gives both sizes."
    fix = "Export image and mask at the same size. Scaling a mask would move its targets."


class DatasetImageError(EdgeIrdetError):
    """An image of a data set is missing or cannot be decoded."""

    code = "E305"
    title = "data set image"
    when = "An image of a data set is missing, empty, truncated, or has an alpha channel."
    check = "`file IMAGE` for the image that the message names."
    fix = "Replace the image, or remove it from the split list."
