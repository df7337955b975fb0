"""Options of ``edge-irdet train`` that vary the augmentation."""

from __future__ import annotations

import click
import cloup

from edge_irdet.cli.options import option

AUGMENTATION_FIELDS = (
    *("target_crops", "clutter_crops", "border_crops", "rim", "pasted_targets", "dark_targets"),
    *("dim_targets", "native_scale", "inversion", "noise", "gamma", "blur", "stripes", "hot_pixels"),
    "least_contrast",
)
"""Options that are fields of the augmentation's configuration under the same names."""

augmentation_options = cloup.option_group(
    "Augmentation",
    option(
        "--crop",
        type=click.IntRange(min=0),
        metavar="N",
        help="Side of training crops; 0 trains on whole images.",
    ),
    option(
        "--target-crops", type=click.FloatRange(0, 1), metavar="SHARE", help="Share of crops around targets."
    ),
    option(
        "--clutter-crops",
        type=click.FloatRange(0, 1),
        metavar="SHARE",
        help="Share of crops around bright spots that are not targets.",
    ),
    option("--mined-clutter", is_flag=True, help="Take the false alarms of --init as such bright spots."),
    option(
        "--border-crops",
        type=click.FloatRange(0, 1),
        metavar="SHARE",
        help="Share of crops at the image's borders.",
    ),
    option(
        "--rim",
        type=click.FloatRange(0, 0.5, max_open=True),
        metavar="SHARE",
        help="How far crops reach beyond the image.",
    ),
    option(
        "--pasted-targets",
        type=click.IntRange(min=0),
        metavar="N",
        help="Most targets pasted into a sample.",
    ),
    option(
        "--dark-targets",
        type=click.FloatRange(0, 1),
        metavar="SHARE",
        help="Share of pasted targets that are darker than their surroundings.",
    ),
    option(
        "--dim-targets",
        type=click.FloatRange(0, 1),
        metavar="SHARE",
        help="Share of pasted targets that stand out by a few grey levels.",
    ),
    option(
        "--native-scale",
        type=click.FloatRange(0, 1),
        metavar="SHARE",
        help="Share of crops at the image's own scale.",
    ),
    option(
        "--inversion",
        type=click.FloatRange(0, 1),
        metavar="SHARE",
        help="Share of samples with inverted grey levels.",
    ),
    option(
        "--noise", type=click.FloatRange(min=0), metavar="LEVELS", help="Largest deviation of added noise."
    ),
    option(
        "--gamma",
        type=click.FloatRange(min=1),
        metavar="EXPONENT",
        help="Largest exponent of the grey levels; 1 is off.",
    ),
    option(
        "--blur",
        type=click.FloatRange(min=0),
        metavar="PX",
        help="Largest deviation of a Gaussian blur.",
    ),
    option(
        "--stripes",
        type=click.FloatRange(min=0),
        metavar="LEVELS",
        help="Largest deviation of whole rows or columns.",
    ),
    option(
        "--hot-pixels",
        type=click.IntRange(min=0),
        metavar="N",
        help="Most bad pixels in a sample; they are not targets.",
    ),
    option(
        "--least-contrast",
        type=click.FloatRange(min=0),
        metavar="LEVELS",
        help="Targets that stand out by less lose their label.",
    ),
    help="Without a value the preset decides.",
)
"""The options as one section of the help."""
