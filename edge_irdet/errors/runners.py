"""6xx: runners and engines."""

from __future__ import annotations

from edge_irdet.errors.base import EdgeIrdetError


class RunnerError(EdgeIrdetError):
    """A runner was used out of order, got the wrong arrays, or its library refused the model."""

    code = "E601"
    title = "runner"
    when = (
        "A runner was used out of order, received arrays of another shape or dtype, its library refused the "
        "graph or took longer than 60 s for it, or the graph has other inputs or outputs than the manifest "
        "says."
    )
    check = "The message gives both what came and what was expected, or the first line of the library."
    fix = "Use runners and detectors in a `with` statement. Export the package again if the graph is refused."


class DriverMissingError(EdgeIrdetError):
    """There is no NVIDIA driver, or it shows no device; TensorRT was not touched."""

    code = "E602"
    title = "driver missing"
    when = (
        "A command needs the GPU, but there is no NVIDIA driver, or the driver shows no such device. "
        "TensorRT was not called: without a driver it crashes the process. "
        "`--runtime auto` takes the CPU in this case."
    )
    check = (
        "`nvidia-smi`; on a Jetson `cat /etc/nv_tegra_release` and `ls -l /dev/nvhost-gpu /dev/nvgpu`. "
        "A container must be started with `--runtime nvidia`."
    )
    fix = (
        "Install the driver (JetPack), give the container the GPU, or run with `--runtime cpu`. "
        "TensorRT-RTX builds engines without a GPU."
    )


class DriverOutdatedError(EdgeIrdetError):
    """The NVIDIA driver is older than the CUDA runtime that would use it."""

    code = "E603"
    title = "driver outdated"
    when = (
        "The driver supports an older CUDA major version than the CUDA binding needs: for example "
        "cuda-python 13 on JetPack 6 (CUDA 12.6)."
    )
    check = "The CUDA version that `nvidia-smi` shows, and `pip show cuda-python`."
    fix = "`pip install 'cuda-python==12.*'` for a driver of CUDA 12, or update the driver (JetPack)."


class CudaError(EdgeIrdetError):
    """A CUDA call failed."""

    code = "E604"
    title = "CUDA"
    when = (
        "A CUDA call failed while it allocated, copied or launched. The message names the call and quotes "
        "CUDA. `cudaErrorMemoryAllocation` means that no memory is left; after `cudaErrorIllegalAddress` and "
        "the like the device is unusable until the process ends."
    )
    check = "Free memory with `tegrastats` or `nvidia-smi`; faults of the GPU with `sudo dmesg | tail`."
    fix = "Free memory and start the process again. The CPU never takes over silently."


class EngineBuildError(EdgeIrdetError):
    """TensorRT's parser or builder refused a graph; its own message is in the text."""

    code = "E605"
    title = "engine build"
    when = (
        "TensorRT refused the graph. Usually the graph was not exported by this package, or was changed "
        "later: NonMaxSuppression, asymmetric or uint8 Q/DQ, QLinearConv, dynamic shapes. Also: inputs or "
        "outputs differ from the manifest, or torch-tensorrt failed."
    )
    check = "The message quotes TensorRT and names the node."
    fix = "Export and calibrate the package again with this edge-irdet."


class EngineMemoryError(EdgeIrdetError):
    """There is too little free memory to build an engine, or TensorRT ran out of it while building."""

    code = "E606"
    title = "engine memory"
    when = (
        "Too little memory is free to build an engine, or TensorRT ran out of memory while it built. "
        "Typical on a small Jetson with a desktop."
    )
    check = "`free -h` and `tegrastats`."
    fix = (
        "Choose a smaller `--workspace`, end the desktop (`sudo systemctl isolate multi-user.target`), close "
        "other programs. Nothing was written."
    )


class EngineMissingError(EdgeIrdetError):
    """The package holds no engine for this device, precision and TensorRT version."""

    code = "E607"
    title = "engine missing"
    when = "`--runtime tensorrt` was given, but the package holds no engine of this precision."
    check = "`ls PACKAGE/engines`."
    fix = "Run `edge-irdet build PACKAGE --precision fp16` on the device that is to run the engine."


class EngineMismatchError(EdgeIrdetError):
    """An engine was built for another device, TensorRT version, model or precision."""

    code = "E608"
    title = "engine mismatch"
    when = (
        "The engine was built for another TensorRT version, compute capability, device, precision or model. "
        "It was copied from another machine, TensorRT was updated, or the package was exported again. "
        "The engine was not loaded."
    )
    check = "The message gives both identities and what differs; `KEY.json` beside the engine has its own."
    fix = "Build the engine on this device. The message gives the command."


class EngineDamagedError(EdgeIrdetError):
    """An engine's plan or its identity file is truncated, altered or not there."""

    code = "E609"
    title = "engine damaged"
    when = (
        "The engine file has another size or SHA-256 than its identity file says, the identity file is "
        "missing or unreadable, or the engine has other tensors. Usually a copy was interrupted, the disk "
        "was full, or a file was edited."
    )
    check = "`ls -l PACKAGE/engines`; `sha256sum KEY.engine` against `plan_sha256` in `KEY.json`."
    fix = (
        "Build the engine again. The message gives the command. "
        "The hash detects corruption, not tampering: an engine is native code, so load only your own."
    )


class WrongThreadError(EdgeIrdetError):
    """A runner that is bound to the thread that activated it was used from another."""

    code = "E610"
    title = "wrong thread"
    when = (
        "A TensorRT runner was used or closed in another thread than the one that activated it: for example "
        "a detector was entered in the main thread and used in a worker."
    )
    check = "The message names both threads."
    fix = "Enter the runner or the detector in the thread that uses it. Give each thread its own."


class TensorRTError(EdgeIrdetError):
    """TensorRT failed while loading or running an engine; its own message is in the text."""

    code = "E611"
    title = "TensorRT"
    when = (
        "TensorRT failed while it loaded or ran an engine: no memory for the activations, a fault of the "
        "device, or an engine that TensorRT itself refuses."
    )
    check = "The message quotes the last lines of TensorRT's log. Also `tegrastats` and `sudo dmesg | tail`."
    fix = "Free memory and run again. If the engine itself is refused, build it again with `--rebuild`."


class EngineUntrustedError(EdgeIrdetError):
    """An engine that fits was not built on this machine, and an engine is native code of whoever built it."""

    code = "E612"
    title = "engine not trusted"
    when = "A package came with engines, or an engine was copied from another board. It was not loaded."
    check = "Who built the engine that the message names."
    fix = (
        "Build it on this device: the command is in the message. For engines of a board of the same kind "
        "whose builder you trust: `edge-irdet package trust PACKAGE`."
    )
