"""``edge-irdet explain``: what an error code means."""

from __future__ import annotations

import json
import shutil
import textwrap

import cloup

from edge_irdet.cli.formatting import Command
from edge_irdet.cli.options import json_option
from edge_irdet.errors import EdgeIrdetError
from edge_irdet.errors.catalog import AREAS, all_errors, describe_error, explanation, find_error

MAX_WIDTH = 100


@cloup.command("explain", cls=Command, short_help="Explain an error code.")
@cloup.argument("code", required=False)
@json_option
def explain_command(code: str | None, as_json: bool) -> None:
    """Explain an error CODE: when it occurs, what to check, how to fix it. Without CODE, list all codes.

    \b
    Example: edge-irdet explain E608
    """
    errors = all_errors() if code is None else [find_error(code)]
    if as_json:
        described = [describe_error(error) for error in errors]
        print(json.dumps(described if code is None else described[0], indent=2))
    elif code is None:
        _print_list(errors)
    else:
        _print_explanation(errors[0])


def _print_list(errors: list[type[EdgeIrdetError]]) -> None:
    for number, area in AREAS.items():
        print(f"{area}:")
        for error in errors:
            if error.code[1] == str(number):
                print(f"  {error.code}  {error.title}")
    print("\nexplain one: edge-irdet explain CODE")


def _print_explanation(error: type[EdgeIrdetError]) -> None:
    width = min(shutil.get_terminal_size().columns, MAX_WIDTH)
    print(f"{error.code} {error.title}")
    for name, text in explanation(error):
        lines = textwrap.wrap(
            text,
            width,
            initial_indent=f"  {name + ':':<8}",
            subsequent_indent=" " * 10,
            break_long_words=False,  # a command stays whole enough to be copied
            break_on_hyphens=False,
        )
        print("\n".join(lines))
