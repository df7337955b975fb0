"""Command lines in the pages, held against the real command line without running anything."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import click
from markdown_pages import ROOT, Page

from edge_irdet.cli import commands

SHELLS = {"", "sh", "bash", "shell", "console", "ini", "text"}
"""Languages of code blocks that may hold command lines."""

OTHER_VARIABLES = {"EDGE_IRDET_PREVIEW_TOKEN", "EDGE_IRDET_DATA"}
"""Variables that stand for no option."""

_OPERATOR = re.compile(r"[|&;<>()]+")
_WRAPPERS = {"sudo", "exec", "time", "nice"}
_PLACEHOLDER = re.compile(r"[A-Z][A-Z0-9_-]*|\$.*|<.*>")


def simple_commands(text: str) -> Iterator[list[str]]:
    """The words of each command in a shell's text; continued lines and open quotes are joined."""
    logical = ""
    for line in text.replace("\\\n", " ").splitlines():
        logical = f"{logical} {line}" if logical else line
        try:
            words = _words(logical)
        except ValueError:  # a quote is still open
            continue
        logical = ""
        yield from _split(words)
    if logical:  # an apostrophe in a text that is no command
        for line in logical.splitlines():
            yield line.split()


def _words(line: str) -> list[str]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    return list(lexer)


def _split(words: Sequence[str]) -> Iterator[list[str]]:
    command: list[str] = []
    for word in words:
        if _OPERATOR.fullmatch(word):
            yield command
            command = []
        else:
            command.append(word)
    yield command


def arguments_of(words: Sequence[str]) -> list[str] | None:
    """What a command hands to ``edge-irdet``, or None where it calls something else."""
    rest = list(words)
    while rest and (rest[0] == "$" or rest[0] in _WRAPPERS or re.match(r"[A-Z_]+=", rest[0])):
        rest.pop(0)
    if words and (started := re.fullmatch(r"ExecStart=(.*)", words[0])):
        rest = [started[1], *words[1:]]
    if rest and Path(rest[0]).name == "edge-irdet":
        return rest[1:]
    if rest and re.match(r"python|torchrun", Path(rest[0]).name) and "edge_irdet" in rest:
        place = rest.index("edge_irdet")
        return rest[place + 1 :] if rest[place - 1] == "-m" else None
    return None


def faults_of_arguments(arguments: Sequence[str], complete: bool) -> list[str]:
    """Why ``edge-irdet`` would refuse a command line; empty if it would take it.

    Args:
        arguments: after the program's name. ``...`` and ``[OPTIONS]`` stand for what is left out.
        complete: whether it should have everything that is required, as in a code block; in a sentence a
            command is often named with one option only.
    """
    words = [word for word in arguments if word != "..." and not word.startswith("[")]
    complete = complete and len(words) == len(arguments)
    command: click.Command = commands
    context = click.Context(command, info_name="edge-irdet")
    while isinstance(command, click.Group):
        if not words:
            return []
        if words[0].startswith("-"):
            return _unknown(command, context, words[:1])
        name = words.pop(0)
        if _PLACEHOLDER.fullmatch(name):
            return []
        found = command.get_command(context, name)
        if found is None:
            return [f"there is no command {name!r}"]
        command, context = found, click.Context(found, info_name=name, parent=context)
    if "--help" in words or "-h" in words:
        return []
    try:
        given, extra, _ = command.make_parser(context).parse_args(list(words))
    except click.UsageError as error:
        return [error.format_message()]
    faults = [f"one argument too many: {word!r}" for word in extra]
    for parameter in command.params:
        if parameter.name not in given or given[parameter.name] is None or given[parameter.name] == ():
            if complete and parameter.required:
                faults.append(f"{click.Parameter.get_error_hint(parameter, context)} is required")
            continue
        values = given[parameter.name]
        for value in values if isinstance(values, (list, tuple)) else [values]:
            faults += _faults_of_value(parameter, value, context)
    return faults


def _unknown(command: click.Command, context: click.Context, words: Sequence[str]) -> list[str]:
    known = {name for parameter in command.get_params(context) for name in parameter.opts}
    return [f"there is no option {word}" for word in words if word not in known]


def _faults_of_value(parameter: click.Parameter, value: object, context: click.Context) -> list[str]:
    if not isinstance(value, str) or isinstance(parameter.type, (click.Path, click.File)):
        return []
    if _PLACEHOLDER.fullmatch(value):
        return []
    try:
        parameter.type.convert(value, parameter, context)
    except click.UsageError as error:
        return [error.format_message()]
    return []


def faults_of_page(page: Page) -> Iterator[str]:
    """Every command line of a page that would not work: ``edge-irdet``, ``make`` and the benchmarks."""
    for block in page.blocks:
        if block.language in SHELLS:
            for words in simple_commands(block.text):
                yield from (f"line {block.line}: {fault}" for fault in faults_of_command(words, True))
    for span in page.spans:
        for words in simple_commands(span):
            yield from (f"`{span}`: {fault}" for fault in faults_of_command(words, False))


def unknown_variables(text: str) -> list[str]:
    """Environment variables of the project that nothing reads."""
    named = set(re.findall(r"\bEDGE_IRDET_[A-Z0-9_]+\b", text))
    return sorted(named - environment_variables() - OTHER_VARIABLES - cpp_names())


@cache
def cpp_names() -> frozenset[str]:
    """Options of CMake, and variables that the C++ library reads."""
    files = [ROOT / "CMakeLists.txt", *(ROOT / "jetson").rglob("*.cmake"), *(ROOT / "jetson").rglob("*.cpp")]
    texts = (path.read_text(encoding="utf-8") for path in files)
    return frozenset(name for text in texts for name in re.findall(r"\bEDGE_IRDET_[A-Z0-9_]+\b", text))


@cache
def environment_variables() -> frozenset[str]:
    """Variables that set options."""
    found: set[str] = set()
    waiting: list[click.Command] = [commands]
    while waiting:
        command = waiting.pop()
        for parameter in command.params:
            names = parameter.envvar or ()
            found.update([names] if isinstance(names, str) else names)
        if isinstance(command, click.Group):
            waiting += command.commands.values()
    return frozenset(found)


def faults_of_command(words: Sequence[str], complete: bool) -> list[str]:
    """Why a command would not work, if it is one of this project's."""
    line = " ".join(words)
    arguments = arguments_of(words)
    if arguments is not None:
        complete = complete and not line.startswith("ExecStart=")  # the environment may have the rest
        return [f"{line}: {fault}" for fault in faults_of_arguments(arguments, complete)]
    if words and words[0] == "make":
        goals = [word for word in words[1:] if "=" not in word and not word.startswith("-")]
        return [f"{line}: there is no target {goal!r}" for goal in goals if goal not in make_targets()]
    scripts = [word for word in words if re.fullmatch(r"benchmarks/\w+\.py", word)]
    if scripts and Path(words[0]).name.startswith("python") and (ROOT / scripts[0]).is_file():
        source = (ROOT / scripts[0]).read_text(encoding="utf-8")
        options = [word for word in words[words.index(scripts[0]) :] if word.startswith("--")]
        return [f"{line}: there is no option {name}" for name in options if f'"{name}' not in source]
    return []


def command_names(group: click.Group = commands, prefix: str = "") -> list[str]:
    """Names of all commands that do something, such as ``package verify``."""
    names: list[str] = []
    for name, command in group.commands.items():
        inner = isinstance(command, click.Group)
        names += command_names(command, f"{prefix}{name} ") if inner else [prefix + name]
    return names


@cache
def make_targets() -> frozenset[str]:
    """Targets of the Makefile."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    return frozenset(re.findall(r"^([a-z][\w-]*):(?!=)", text, re.MULTILINE))
