"""4xx: training, export and calibration."""

from __future__ import annotations

from edge_irdet.errors.base import EdgeIrdetError


class CheckpointInvalidError(EdgeIrdetError):
    """A file is not a checkpoint of this package, or holds something that is not plain tensors and text."""

    code = "E401"
    title = "checkpoint invalid"
    when = "A file is not a checkpoint of this package, is damaged, or could only be loaded by running code."
    check = "Whether it is `best.pt` or `last.pt` of a run folder."
    fix = (
        "Name another file. A run with a damaged `last.pt` cannot be resumed; its `best.pt` can be exported."
    )


class CheckpointMismatchError(EdgeIrdetError):
    """A checkpoint belongs to another variant, class count or training configuration."""

    code = "E402"
    title = "checkpoint mismatch"
    when = (
        "A run folder belongs to another configuration or other data, or a checkpoint is of another variant "
        "than requested."
    )
    check = "The message describes the checkpoint."
    fix = "Repeat the options of that run to resume it, name another `--run-dir`, or omit `--variant`."


class ParityError(EdgeIrdetError):
    """The exported graph and the torch model disagree by more than the tolerance."""

    code = "E403"
    title = "parity"
    when = (
        "The exported graph and the torch model differ by more than the tolerance on the given frames, or "
        "no frame was compared."
    )
    check = (
        "The message gives the largest differences. Compare `pip list` with the versions in `pyproject.toml`."
    )
    fix = "Export in a fresh environment (`make test` creates one). Nothing was written."


class ExtraMissingError(EdgeIrdetError):
    """A command needs an optional part of the package that is not installed."""

    code = "E404"
    title = "extra missing"
    when = "A command needs a part that is not installed. The base installation has only what a device runs."
    check = (
        "The message names the missing module. `csi:` and `gst:` sources need an OpenCV with GStreamer, as "
        "in JetPack and Debian."
    )
    fix = (
        "Install the extra that the message names from your checkout of edge_irdet, for example "
        "`pip install '/path/to/edge_irdet[train]'`. The extras are `train`, `evaluate`, `preview`, `zmq`, "
        "`mqtt`, `tensorrt`, `pycuda` and `tensorrt-rtx`. No package index has edge_irdet."
    )


class RecipeError(EdgeIrdetError):
    """A calibration recipe cannot be read, has an unknown field or value, or names nodes that are absent."""

    code = "E406"
    title = "calibration recipe"
    when = (
        "A recipe is missing, is not YAML, has an unknown field or a wrong value, or a pattern of "
        "`keep_float` matches no node (a misspelt pattern would protect nothing) or every convolution."
    )
    check = (
        "The message names the field, or the stages that the graph has. Compare with "
        "`calibration/light-sgmtlm-reduced.yaml` in the checkout."
    )
    fix = "Correct the recipe. Nothing was written."


class CalibrationDataError(EdgeIrdetError):
    """The calibration frames are too few, or are not what the network takes."""

    code = "E407"
    title = "calibration data"
    when = (
        "Fewer than 8 frames remain for calibration beside the frames of the gate, a frame does not fit the "
        "network, or the frames of the gate hold no target."
    )
    check = "The number of images in `--split` and `--gate-split`, and whether they are labelled."
    fix = (
        "Name a train list with more images, or labelled frames with targets (`--gate-split LIST`). "
        "Nothing was written."
    )


class PrecisionConversionError(EdgeIrdetError):
    """A graph cannot be brought to another precision: unknown operator, or a constant that does not fit."""

    code = "E408"
    title = "precision conversion"
    when = (
        "A graph cannot be converted to FP16 or INT8: it has an unknown operator or no convolution, a weight "
        "is above 65504 or too small for FP16, or the values of a layer leave the range of FP16 on real "
        "frames."
    )
    check = "The message names the layer and the value."
    fix = "Keep the layer in FP32 (`fp16.keep_float` of the recipe). Nothing was written."


class GraphRuleError(EdgeIrdetError):
    """A reduced-precision graph breaks a rule that TensorRT's parsers or the decode's accuracy set."""

    code = "E409"
    title = "graph rule"
    when = (
        "A graph breaks a rule of TensorRT's parsers, or one that keeps the decode accurate: uint8 or "
        "asymmetric quantisation, a quantised bias or decode, another opset."
    )
    check = "The message names the rules and the nodes."
    fix = "Make the graph again with `edge-irdet calibrate`. Export a graph of other origin again first."


class AccuracyGateError(EdgeIrdetError):
    """A precision lost more accuracy than the gate allows and was not put into the package."""

    code = "E410"
    title = "accuracy gate"
    when = (
        "On real labelled frames a precision lost more than 0.5 points of mAP@0.5 or AP@3px against FP32, or "
        "its Pd or Fa left their bounds. Also: FP32 itself detects too little for a comparison."
    )
    check = (
        "The message gives the figures of both sides and the worst layers. `--report DIR --sensitivity` "
        "gives all of them."
    )
    fix = (
        "Add the layers to `int8.keep_float` or `fp16.keep_float` of the recipe and run "
        "`edge-irdet calibrate` again. The graph that failed was discarded; one that passed earlier is kept."
    )


class TrainingDivergedError(EdgeIrdetError):
    """The loss or its gradient is not a finite number any more, or beyond every sensible size."""

    code = "E411"
    title = "training diverged"
    when = "The loss of a training, or its gradient, became infinite, not a number, or absurdly large."
    check = "The message gives epoch, step and loss. `log.csv` of the run folder shows the epochs before it."
    fix = (
        "Train with a lower `--learning-rate`, a longer `--warm-up-epochs`, or `--precision fp32`, in a new "
        "`--run-dir`. `last.pt` and `best.pt` hold the last finite state and can be exported."
    )


class WeightsRecoveryError(EdgeIrdetError):
    """The weights of a package cannot be taken from its graph."""

    code = "E412"
    title = "weights recovery"
    when = (
        "`edge-irdet package recover-weights` meets a graph that is not as `edge-irdet export` wrote it, one "
        "whose branches were merged for the device (`light-sgmtlm-edge`), or a package that has its "
        "checkpoint's own weights."
    )
    check = "The message names the layers. `edge-irdet info VARIANT` lists those of the network."
    fix = "Export the package again from its checkpoint, which writes the weights too."
