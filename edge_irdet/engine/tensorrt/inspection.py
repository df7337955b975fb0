"""Looking into an engine: its tensors, and what precision its layers really have."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from edge_irdet.engine.runner import TensorSpec
from edge_irdet.engine.tensorrt.module import LogCapture, TensorRTModule
from edge_irdet.engine.tensorrt.plan import DTYPES
from edge_irdet.errors import EdgeIrdetError

KINDS = (
    (re.compile(r"(?<!u)int8", re.IGNORECASE), "int8"),
    (re.compile(r"\b(fp16|half)\b", re.IGNORECASE), "fp16"),
    (re.compile(r"\b(fp32|float)\b", re.IGNORECASE), "fp32"),
)
"""How the inspector writes types: ``Format/Datatype: "... FP16 format"`` or, later, ``Datatype: "Half"``."""


@contextmanager
def loaded_engine(
    module: TensorRTModule, plan: bytes, what: str, next_step: str, error: type[EdgeIrdetError]
) -> Iterator[Any]:
    """A deserialised engine, for a look into it; the device must be attached.

    Raises:
        ``error``: TensorRT gives no runtime or refuses the plan.
    """
    log = LogCapture(module.trt)
    runtime = log.create(error, "runtime", next_step, module.trt.Runtime, log.logger)
    yield log.require(runtime.deserialize_cuda_engine(plan), f"TensorRT refuses {what}", next_step, error)


def tensors_of(engine: Any) -> dict[str, TensorSpec]:
    """Inputs and outputs of a deserialised engine by name, in its own order."""
    return {
        name: TensorSpec.of(
            tuple(int(size) for size in engine.get_tensor_shape(name)),
            DTYPES.get(engine.get_tensor_dtype(name).name, "object"),
        )
        for name in (engine.get_tensor_name(index) for index in range(engine.num_io_tensors))
    }


def layer_precisions(trt: Any, engine: Any) -> dict[str, int] | None:
    """Count the outputs of an engine's layers by type.

    Args:
        trt: the TensorRT module.
        engine: a deserialised engine, built with detailed profiling verbosity.

    Returns:
        ``{"fp32": 12, "int8": 80, "other": 3}``; None where the inspector gives no types.
    """
    text = engine.create_engine_inspector().get_engine_information(trt.LayerInformationFormat.JSON)
    try:
        layers = json.loads(text).get("Layers", [])
    except (json.JSONDecodeError, AttributeError):
        return None
    outputs = [
        output
        for layer in layers
        if isinstance(layer, dict)
        for output in layer.get("Outputs", [])
        if isinstance(output, dict)
    ]
    counts = Counter(_kind(output) for output in outputs)
    return dict(sorted(counts.items())) or None


def _kind(output: dict[str, Any]) -> str:
    described = " ".join(str(output.get(field, "")) for field in ("Datatype", "DataType", "Format/Datatype"))
    return next((kind for pattern, kind in KINDS if pattern.search(described)), "other")
