"""The other way to a plan: torch-tensorrt compiles the torch module itself, without ONNX between.

The plan is a plain TensorRT plan, stored and run as any other. The accuracy gate measured the package's
graph, so the module must be the one the package was exported from; the command compares them before.
"""

from __future__ import annotations

import importlib
import inspect
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from edge_irdet.engine.runner import TensorSpec
from edge_irdet.engine.tensorrt.building import BuildConfig, EngineBuilder
from edge_irdet.engine.tensorrt.identity import TensorIdentity
from edge_irdet.engine.tensorrt.inspection import loaded_engine, tensors_of
from edge_irdet.engine.tensorrt.store import StoredEngine, make_engines_folder, rebuild_command
from edge_irdet.errors import DriverMissingError, EngineBuildError, ExtraMissingError, OptionError
from edge_irdet.package import Precision

if TYPE_CHECKING:
    from torch import Tensor, nn

VIA = "torch-tensorrt"

Convert = Callable[..., bytes]
"""``torch_tensorrt.dynamo.convert_exported_program_to_serialized_trt_engine``."""


def open_torch_tensorrt() -> Convert:
    """Import torch-tensorrt's converter.

    Raises:
        ExtraMissingError: it is not installed, or finds no TensorRT libraries.
    """
    try:
        dynamo = importlib.import_module("torch_tensorrt.dynamo")
    except (ImportError, OSError, AssertionError, RuntimeError) as error:
        # OSError: its libraries miss libnvinfer. AssertionError: its check of the versions that it finds.
        raise ExtraMissingError(
            f"torch-tensorrt cannot be imported: {str(error) or type(error).__name__}",
            "install the one of this torch on the device (pip install torch-tensorrt), or build from the "
            "package's ONNX graph: omit --via",
        ) from error
    convert: Convert = dynamo.convert_exported_program_to_serialized_trt_engine
    return convert


def build_with_torch_tensorrt(
    builder: EngineBuilder, graph: nn.Module, config: BuildConfig, convert: Convert
) -> StoredEngine:
    """Compile a torch module to a plan and store it among the package's engines.

    Args:
        builder: of the package that was exported from the module.
        graph: the deployed graph, on the CPU in FP32: image uint8 [1, 1, H, W] -> the package's outputs, with
            its network as the attribute ``network``. For FP16 it is changed in place.
        config: FP32 or FP16; in FP16 the network runs in half precision and the decode stays in FP32.
        convert: torch-tensorrt's converter.

    Raises:
        OptionError: INT8, whose quantisation is in the package's ONNX graph only.
        PrecisionMissingError: the package's manifest does not hold the precision: it did not pass its gate.
        DriverMissingError: there is no GPU.
        EngineMemoryError: too little free memory.
        EngineBuildError: torch-tensorrt failed, or its plan has other outputs than the package.
    """
    import torch

    package, precision = builder.package, config.precision
    if precision is Precision.INT8:
        raise OptionError(
            "torch-tensorrt builds fp32 and fp16; the calibrated INT8 is in the package's ONNX graph",
            f"build it from there: edge-irdet build {package.directory} --precision int8",
        )
    draft = builder.identity(config, VIA)  # the package's own refusals, before anything slow
    if builder.device is None:
        raise DriverMissingError(
            "torch-tensorrt needs a GPU to build, and there is none",
            "run it on the device, or omit --via",
        )
    make_engines_folder(package)
    image = torch.zeros(tuple(draft.inputs[0].shape), dtype=torch.uint8)
    if precision is Precision.FP16:
        run_network_in_half(graph)
    with builder.attached() as cuda, torch.no_grad():
        weights = sum(weight.numel() * weight.element_size() for weight in graph.parameters())
        builder.require_memory(weights, config.workspace_mb, cuda)
        started = time.monotonic()
        if torch.cuda.is_available():
            graph, image = graph.cuda(), image.cuda()
        program = torch.export.export(graph.eval(), (image,), strict=False)
        names = ([tensor.name for tensor in draft.inputs], [tensor.name for tensor in draft.outputs])
        try:
            plan = bytes(convert(program, [image], **_options(convert, config, *names)))
        except Exception as error:  # torch-tensorrt's exceptions have no common base but Exception
            raise EngineBuildError(
                f"torch-tensorrt failed with {type(error).__name__}: {str(error).partition(chr(10))[0]}",
                f"build from the package's ONNX graph: edge-irdet build {package.directory} "
                f"--precision {precision.value}",
            ) from error
        seconds = time.monotonic() - started
        bindings = _bindings(builder, plan, precision, [*draft.inputs, *draft.outputs])
        return builder.store(builder.identity(config, VIA, bindings), plan, seconds)


def _options(convert: Convert, config: BuildConfig, inputs: list[str], outputs: list[str]) -> dict[str, Any]:
    """Settings of the converter, as far as this torch-tensorrt has them."""
    import torch

    known = inspect.signature(convert).parameters
    options: dict[str, Any] = {
        "workspace_size": config.workspace_mb * 2**20,
        "disable_tf32": True,  # as for the ONNX way: FP32 means FP32
        "arg_input_binding_names": tuple(inputs),
        "output_binding_names": tuple(outputs),
    }
    if "use_explicit_typing" in known:
        options["use_explicit_typing"] = True
    elif config.precision is Precision.FP16:
        options["enabled_precisions"] = {torch.float16, torch.float32}
    return {name: value for name, value in options.items() if name in known}


def _bindings(
    builder: EngineBuilder, plan: bytes, precision: Precision, stated: list[TensorIdentity]
) -> dict[str, str]:
    """Tensor names of the plan by the manifest's names; both are in the module's order, inputs first.

    Raises:
        EngineBuildError: the plan has another number of tensors, or one of another shape or dtype.
    """
    rebuild = rebuild_command(builder.package, precision)
    with loaded_engine(builder.module, plan, "torch-tensorrt's plan", rebuild, EngineBuildError) as engine:
        found = tensors_of(engine)
    wanted = {tensor.name: TensorSpec.of(tuple(tensor.shape), tensor.dtype) for tensor in stated}
    if list(found.values()) != list(wanted.values()):
        raise EngineBuildError(
            f"torch-tensorrt's plan has the tensors {_listed(found)}, the package {_listed(wanted)}", rebuild
        )
    return dict(zip(wanted, found, strict=True))


def _listed(tensors: Mapping[str, TensorSpec]) -> str:
    return ", ".join(f"{name} {spec}" for name, spec in tensors.items())


def run_network_in_half(graph: nn.Module) -> None:
    """Make the module ``graph.network`` compute in FP16, with FP32 before and after it.

    The types are explicit, so a strongly typed TensorRT keeps to them.
    """
    import torch

    network: Any = graph.network
    network.half()

    def to_half(_: nn.Module, arguments: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return tuple(argument.half() for argument in arguments)

    def to_float(_: nn.Module, __: Any, output: Any) -> Any:
        return torch.utils._pytree.tree_map(
            lambda leaf: leaf.float() if isinstance(leaf, torch.Tensor) else leaf, output
        )

    network.register_forward_pre_hook(to_half)
    network.register_forward_hook(to_float)
