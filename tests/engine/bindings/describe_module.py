"""Describe a TensorRT module as JSON: ``describe_module.py MODULE CLASS.NAME ...``.

Run in a process of its own, because two versions of one binding cannot live in one. The real bindings run
over link stubs, so every factory gives null here.
"""

from __future__ import annotations

import importlib
import inspect
import json
import re
import sys
from typing import Any

from edge_irdet.engine.tensorrt.module import LogCapture, TensorRTModule
from edge_irdet.errors import TensorRTError

ENUMERATIONS = (
    "NetworkDefinitionCreationFlag",
    "BuilderFlag",
    "MemoryPoolType",
    "ProfilingVerbosity",
    "LayerInformationFormat",
    "LayerType",
    "DataType",
)


def parameters(attribute: Any) -> list[str] | None:
    """Names of a method's parameters without ``self``; None for what is not a method of one form."""
    if inspect.isfunction(attribute):
        return list(inspect.signature(attribute).parameters)[1:]
    first = ((attribute.__doc__ or "").strip().splitlines() or [""])[0]
    match = re.match(r"\w+\((self: [^,)]+)?(.*)\)( ->.*)?$", first)
    if match is None or match[1] is None:
        return None
    return re.findall(r"(?:^|, )(\w+):", match[2])


def described(trt: Any, names: list[str]) -> dict[str, Any]:
    """What of the module is there, and how."""
    found: dict[str, Any] = {}
    for name in names:
        owner, _, member = name.partition(".")
        kind = getattr(trt, owner, None)
        there = hasattr(kind, member)
        found[name] = {"parameters": parameters(getattr(kind, member))} if there else None
    return found


def enumerations(trt: Any) -> dict[str, dict[str, int]]:
    """Members of each enumeration with their numbers."""
    kinds = {name: getattr(trt, name) for name in ENUMERATIONS}
    return {
        name: {member: int(getattr(value, "value", value)) for member, value in kind.__members__.items()}
        for name, kind in kinds.items()
    }


def null_of(log: LogCapture, factory: Any) -> str:
    """How the binding says that TensorRT gave null, and that the product makes its own error of it."""
    try:
        factory(log.logger)
    except TypeError as error:
        said = f"TypeError: {error}"
    else:
        return "no error"
    try:
        log.create(TensorRTError, "part", "next", factory, log.logger)
    except TensorRTError:
        return said
    return f"{said}, which the product lets through"


def main(name: str, names: list[str]) -> None:
    """Import the module and print its description."""
    trt = importlib.import_module(name)
    module, log = TensorRTModule(trt), LogCapture(trt)
    steps: list[tuple[str, float]] = []
    monitor = module.progress_monitor(lambda phase, done: steps.append((phase, done)))
    if monitor is not None:
        monitor.phase_start("Tactics", None, 2)
        monitor.step_complete("Tactics", 0)
        monitor.phase_finish("Tactics")
    description = {
        "version": module.version,
        "api": described(trt, names),
        "enumerations": enumerations(trt),
        "network_flags": module.network_flags(),
        "strongly_typed": module.strongly_typed,
        "builds_without_gpu": module.builds_without_gpu,
        "targets": sorted(module.targets()),
        "progress": steps,
        "no_runtime": null_of(log, trt.Runtime),
    }
    print(json.dumps(description))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
