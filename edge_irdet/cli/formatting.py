"""How the help looks, and commands and options that say more than click's own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import click
import cloup
from click.core import ParameterSource
from click.types import OptionHelpExtra

from edge_irdet.errors import EdgeIrdetError

MAX_WIDTH = 100
"""Longest line of the help, on terminals that are wider."""

HYPHEN = "\u2011"
"""The hyphen at which no line is wrapped; it stands in for "-" until the text is wrapped."""

Usages = Mapping[str, tuple[str, ...]]
"""Heading -> forms that an option takes, each ``FORM   meaning`` with at least three blanks between."""


class WholeNamesFormatter(cloup.HelpFormatter):
    """Wraps at blanks only: the name of a package or an option stays whole and can be copied."""

    def write(self, string: str = "", *strings: str) -> None:
        """Add to the help."""
        super().write(*(part.replace(HYPHEN, "-") for part in (string, *strings)))

    def write_text(self, text: str, *arguments: Any, **named: Any) -> None:
        """Add a paragraph."""
        super().write_text(text.replace("-", HYPHEN), *arguments, **named)

    def write_dl(self, rows: Iterable[tuple[Any, Any]], *arguments: Any, **named: Any) -> None:
        """Add a list of options or commands."""
        whole = [
            (term, meaning.replace("-", HYPHEN) if isinstance(meaning, str) else meaning)
            for term, meaning in rows
        ]
        super().write_dl(whole, *arguments, **named)


class HelpContext(cloup.Context):
    """Makes that formatter."""

    formatter_class = WholeNamesFormatter


CONTEXT = dict(
    cloup.Context.settings(
        help_option_names=["-h", "--help"],
        show_default=True,
        formatter_settings=cloup.HelpFormatter.settings(max_width=MAX_WIDTH),
    )
)
"""Settings of the group of all commands; its commands inherit them."""


class Command(cloup.Command):
    """A command.

    Args:
        usages: gives the forms that its options take, for the end of the help.
    """

    context_class = HelpContext

    def __init__(self, *arguments: Any, usages: Callable[[], Usages] = dict, **attributes: Any) -> None:
        super().__init__(*arguments, **attributes)
        self.usages = usages

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; an error of it names the variables that set its options."""
        try:
            return super().invoke(ctx)
        except EdgeIrdetError:
            if variables := variables_used(ctx):
                click.echo(f"options from the environment: {', '.join(variables)}", err=True)
            raise

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The forms that options take."""
        super().format_epilog(ctx, formatter)
        for heading, forms in self.usages().items():
            formatter.write(f"\n{heading}:\n")
            for usage in forms:
                form, meaning = re.split(r"\s{3,}", usage, maxsplit=1)
                _write_form(formatter, form, meaning)


class Group(cloup.Group):
    """A group of commands."""

    context_class = HelpContext
    command_class = Command


class Option(cloup.Option):
    """An option whose default is shown as it is written, and whose errors name the variable that set it."""

    def get_help_extra(self, ctx: click.Context) -> OptionHelpExtra:
        """What stands in brackets behind the help."""
        extra = super().get_help_extra(ctx)
        if isinstance(self.show_default, str):
            extra["default"] = self.show_default
        return extra

    def get_error_hint(self, ctx: click.Context | None) -> str:
        """The option's name; with its variable, unless the command line set it."""
        by_hand = (
            ctx is not None
            and self.name is not None
            and ctx.get_parameter_source(self.name) is ParameterSource.COMMANDLINE
        )
        return click.Parameter.get_error_hint(self, ctx) if by_hand else super().get_error_hint(ctx)


def variables_used(ctx: click.Context) -> list[str]:
    """Environment variables that set an option of this call."""
    return [
        str(option.envvar)
        for option in ctx.command.params
        if option.name is not None and ctx.get_parameter_source(option.name) is ParameterSource.ENVIRONMENT
    ]


def _write_form(formatter: click.HelpFormatter, form: str, meaning: str) -> None:
    # A form has no blanks to wrap at: it is continued in the next line behind "&" or before "[" and "#".
    line = "  "
    for part in re.findall(r"[\[#&]?[^\[#&]*", form):
        if len(line) + len(part) > formatter.width and line.strip():
            formatter.write(line + "\n")
            line = "      "
        line += part
    formatter.write(line + "\n")
    formatter.write(click.wrap_text(meaning, formatter.width, "      ", "      ") + "\n")
