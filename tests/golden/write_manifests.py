"""Writes tests/golden/manifests anew: manifests that both readers take, and manifests that both refuse.

python tests/golden/write_manifests.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from edge_irdet.errors import EdgeIrdetError
from edge_irdet.package import Package

FOLDER = Path(__file__).parent / "manifests"
HASH = "0123456789abcdef" * 4

BASE: dict[str, Any] = {
    "schema": 1,
    "name": "test",
    "variant": "light-sgmtlm-reduced",
    "classes": ["target", "bird"],
    "parameters": 5,
    "input": {"name": "image", "width": 64, "height": 32, "channels": 1, "dtype": "uint8"},
    "outputs": [{"name": "boxes", "shape": [1, 6, 4]}, {"name": "scores", "shape": [1, 6, 2]}],
    "preprocess": {},
    "postprocess": {},
    "strides": [8, 16],
    "anchors": [[[1.0, 2.0]], [[3, 4], [5.5, 6]]],
    "graphs": {"fp32": {"file": "model.onnx", "sha256": HASH}},
}
MAPPING = {"mapping": "linear-percentile", "low": 0.5, "high": 99.9}


def changed(path: str, value: Any) -> bytes:
    """The base with one value changed: a path of names and numbers with points between them."""
    document = json.loads(json.dumps(BASE))
    *way, last = path.split(".")
    place = document
    for step in way:
        place = place[int(step) if isinstance(place, list) else step]
    place[int(last) if isinstance(place, list) else last] = value
    return json.dumps(document).encode()


def without(*names: str) -> bytes:
    """The base without a field."""
    document = json.loads(json.dumps(BASE))
    place = document
    for name in names[:-1]:
        place = place[name]
    del place[names[-1]]
    return json.dumps(document).encode()


def mapping(**changes: Any) -> bytes:
    """The base with a 16-bit mapping."""
    return changed("preprocess.sixteen_bit", {**MAPPING, **changes})


TEXT = json.dumps(BASE)
GOOD: dict[str, bytes] = {
    "base": TEXT.encode(),
    "indented": json.dumps(BASE, indent=2).encode() + b"\n",
    "escapes": TEXT.replace('"test"', r'"t\u0065st \ud83d\ude00 \u00e9\/"').encode(),
    "utf8_names": changed("classes", ["Ziel", "目標"]),
    "twice_the_last_counts": TEXT.replace('"name": "test"', '"name": "x", "name": "test"').encode(),
    "mapping": mapping(),
    "mapping_all": mapping(
        min_span=1e3, plateau=100, linear=0, max_gain=0.5, smoothing_frames=2.5, shutter_frames=0
    ),
    "mapping_fixed": mapping(mapping="fixed-range", low=-5.0, high=70000),
    "mapping_plateau": mapping(mapping="plateau"),
    "mapping_null": changed("preprocess.sixteen_bit", None),
    "postprocess": changed(
        "postprocess",
        {"score_threshold": 1, "nms": "nwd", "nms_limit": 1.0, "nwd_scale": 1e-3, "max_detections": 10**9},
    ),
    "distance": changed("postprocess", {"nms": "distance", "nms_limit": 16384}),
    "saliency": changed("outputs", [*BASE["outputs"], {"name": "saliency", "shape": [1, 1, 32, 64]}]),
    "further_output": changed("outputs", [*BASE["outputs"], {"name": "more", "shape": [7]}]),
    "provenance": changed("training_data", [])[:-1]
    + b', "training": {"config": {"x": [1, {}]}, "epoch": null, "new": 1}'
    + b', "operating_point": {"pd": 0.5, "z": []}'
    + b', "metrics": {"fp16": {"map50": 1, '
    + b'"gate": {"passed": true, "failures": ["x"], "fp32": {"pd": 1e-3}}}}}',
    "weights": changed("training", {"weights": {"file": "w", "sha256": HASH, "bytes": 9, "new": 1}}),
    "three_graphs": changed("graphs", dict.fromkeys(("int8", "fp16", "fp32"), BASE["graphs"]["fp32"])),
    "no_levels": without("strides")[:-1].replace(
        b'"anchors": [[[1.0, 2.0]], [[3, 4], [5.5, 6]]]', b'"anchors": []'
    )
    + b', "strides": []}',
    "deep_but_allowed": changed("training_data", [])[:-1]
    + b', "training": {"config": {"x": '
    + b"[" * 60
    + b"]" * 60
    + b"}}}",
    "large_sides": changed("input.width", 16384),
}
BAD: dict[str, bytes] = {
    "empty": b"",
    "blank": b"  \n",
    "not_json": b"schema: 1",
    "half": TEXT.encode()[:200],
    "trailing": TEXT.encode() + b"x",
    "trailing_comma": TEXT.encode()[:-1] + b",}",
    "byte_order_mark": b"\xef\xbb\xbf" + TEXT.encode(),
    "utf16": TEXT.encode("utf-16"),
    "not_utf8": TEXT.encode().replace(b'"test"', b'"te\xffst"'),
    "overlong_utf8": TEXT.encode().replace(b'"test"', b'"te\xc0\x80st"'),
    "surrogate_utf8": TEXT.encode().replace(b'"test"', b'"te\xed\xa0\x80st"'),
    "half_a_pair": TEXT.encode().replace(b'"test"', rb'"te\ud800st"'),
    "control_in_string": TEXT.encode().replace(b'"test"', b'"te\x01st"'),
    "bad_escape": TEXT.encode().replace(b'"test"', rb'"te\qst"'),
    "leading_zero": TEXT.encode().replace(b'"parameters": 5', b'"parameters": 05'),
    "plus": TEXT.encode().replace(b'"parameters": 5', b'"parameters": +5'),
    "array": b"[" + TEXT.encode() + b"]",
    "null": b"null",
    "deep": b"[" * 65 + b"]" * 65,
    "very_deep": b"[" * 100_000,
    "deep_in_unknown": TEXT.encode()[:-1] + b', "training": {"new": ' + b"[" * 80 + b"]" * 80 + b"}}",
    "newer": b'{"schema": 2, "what": [1, 2]}',
    "newer_far": b'{"schema": 99999999999999999999}',
    "schema_0": changed("schema", 0),
    "schema_float": changed("schema", 1.0),
    "schema_text": changed("schema", "1"),
    "schema_missing": without("schema"),
    "unknown_field": changed("colour", 1),
    "unknown_in_input": changed("input.batch", 1),
    "unknown_in_preprocess": changed("preprocess.mean", 0.5),
    "unknown_in_postprocess": changed("postprocess.soft", True),
    "unknown_in_graph": changed("graphs.fp32.opset", 17),
    "unknown_in_mapping": mapping(gamma=2.2),
    "unknown_in_output": changed("outputs.0.dtype", "float32"),
    "name_missing": without("name"),
    "name_empty": changed("name", ""),
    "name_number": changed("name", 5),
    "name_long": changed("name", "x" * 257),
    "name_newline": changed("name", "a\nb"),
    "name_escape": changed("variant", "a\x1b[2Jb"),
    "name_bidi": changed("name", "a\u202eb"),
    "classes_none": changed("classes", []),
    "classes_twice": changed("classes", ["target", "target"]),
    "classes_text": changed("classes", "target"),
    "class_null": changed("classes", ["target", None]),
    "class_empty": changed("classes", ["target", ""]),
    "parameters_0": changed("parameters", 0),
    "parameters_true": changed("parameters", True),
    "input_missing_dtype": without("input", "dtype"),
    "input_zero": changed("input.width", 0),
    "input_large": changed("input.height", 16385),
    "input_negative": changed("input.width", -64),
    "input_float": changed("input.width", 64.0),
    "input_channels_5": changed("input.channels", 5),
    "input_channels_3": changed("input.channels", 3),
    "input_float32": changed("input.dtype", "float32"),
    "outputs_none": changed("outputs", []),
    "outputs_no_scores": changed("outputs", BASE["outputs"][:1]),
    "outputs_twice": changed("outputs", [*BASE["outputs"], BASE["outputs"][0]]),
    "boxes_rank": changed("outputs.0.shape", [1, 6, 4, 1]),
    "boxes_batch": changed("outputs.0.shape", [2, 6, 4]),
    "boxes_5": changed("outputs.0.shape", [1, 6, 5]),
    "boxes_many": changed("outputs.0.shape", [1, 2**24 + 1, 4]),
    "boxes_zero": changed("outputs.0.shape", [1, 0, 4]),
    "scores_other_n": changed("outputs.1.shape", [1, 7, 2]),
    "scores_other_classes": changed("outputs.1.shape", [1, 6, 1]),
    "saliency_shape": changed("outputs", [*BASE["outputs"], {"name": "saliency", "shape": [1, 2, 32, 64]}]),
    "pad_256": changed("preprocess.pad_value", 256),
    "pad_float": changed("preprocess.pad_value", 1.5),
    "mapping_unknown": mapping(mapping="gamma"),
    "mapping_no_high": changed("preprocess.sixteen_bit", {"mapping": "plateau", "low": 1}),
    "mapping_150": mapping(high=150),
    "mapping_negative": mapping(low=-1),
    "mapping_reversed": mapping(low=99, high=1),
    "mapping_equal": mapping(mapping="fixed-range", low=7, high=7),
    "mapping_infinite": mapping().replace(b"99.9", b"1e999"),
    "mapping_span_0": mapping(min_span=0),
    "mapping_plateau_101": mapping(plateau=101),
    "mapping_linear_negative": mapping(linear=-0.5),
    "mapping_gain_0": mapping(max_gain=0),
    "mapping_smoothing_negative": mapping(smoothing_frames=-1),
    "mapping_shutter_negative": mapping(shutter_frames=-1),
    "mapping_shutter_float": mapping(shutter_frames=1.0),
    "threshold_2": changed("postprocess.score_threshold", 2),
    "threshold_null": changed("postprocess.score_threshold", None),
    "nms_unknown": changed("postprocess.nms", "soft"),
    "nms_limit_0": changed("postprocess.nms_limit", 0),
    "iou_above_1": changed("postprocess.nms_limit", 1.5),
    "nwd_above_1": changed("postprocess", {"nms": "nwd", "nms_limit": 1.01}),
    "distance_far": changed("postprocess", {"nms": "distance", "nms_limit": 16385}),
    "nwd_scale_0": changed("postprocess.nwd_scale", 0),
    "max_detections_0": changed("postprocess.max_detections", 0),
    "strides_other": changed("strides", [8]),
    "stride_0": changed("strides", [8, 0]),
    "stride_large": changed("strides", [8, 16385]),
    "anchor_of_3": changed("anchors", [[[1, 2, 3]], [[1, 2]]]),
    "anchor_0": changed("anchors", [[[1, 0]], [[1, 2]]]),
    "graphs_none": changed("graphs", {}),
    "graphs_array": changed("graphs", []),
    "graph_precision": changed("graphs", {"fp8": BASE["graphs"]["fp32"]}),
    "graph_hash_short": changed("graphs.fp32.sha256", HASH[:-1]),
    "graph_hash_upper": changed("graphs.fp32.sha256", HASH.upper()),
    "graph_path": changed("graphs.fp32.file", "../model.onnx"),
    "graph_absolute": changed("graphs.fp32.file", "/model.onnx"),
    "graph_parent": changed("graphs.fp32.file", ".."),
    "graph_empty": changed("graphs.fp32.file", ""),
    "training_data_null": changed("training_data", [])[:-1].replace(
        b'"training_data": []', b'"training_data": null'
    )
    + b"}",
    "training_data_images": changed(
        "training_data", [{"name": "", "split": "", "images": 1.5, "licence": "", "masks": ""}]
    ),
    "training_config": changed("training", {"config": []}),
    "weights_path": changed("training", {"weights": {"file": "../w", "sha256": HASH, "bytes": 1}}),
    "weights_bytes": changed("training", {"weights": {"file": "w", "sha256": HASH, "bytes": 0}}),
    "weights_hash": changed("training", {"weights": {"file": "w", "sha256": "0", "bytes": 1}}),
    "training_epoch": changed("training", {"epoch": "1"}),
    "operating_point": changed("operating_point", {"rule": 1}),
    "metrics_precision": changed("metrics", {"fp64": {}}),
    "metrics_text": changed("metrics", {"fp32": {"map50": "high"}}),
    "metrics_gate": changed("metrics", {"fp32": {"gate": {"passed": 1}}}),
    "too_large": TEXT.encode() + b" " * (2**20 - len(TEXT) + 1),
}


def verdict(content: bytes, folder: Path) -> str:
    """What Python's reader says: ``ok``, or the code of its error."""
    (folder / "package.json").write_bytes(content)
    try:
        package = Package(folder)
        if package.manifest.input.channels != 1 or package.manifest.input.dtype != "uint8":
            return "E202"  # as the preprocess step says it
    except EdgeIrdetError as error:
        return error.code
    return "ok"


def contents() -> dict[str, bytes]:
    """All manifests by name; what is too large to be committed is made by the tests again."""
    return {f"good_{name}": content for name, content in GOOD.items()} | {
        f"bad_{name}": content for name, content in BAD.items()
    }


def main() -> None:
    """Write every case."""
    import tempfile

    FOLDER.mkdir(exist_ok=True)
    lines = ["# file code; of a large one its first byte is repeated up to a length"]
    with tempfile.TemporaryDirectory() as folder:
        for name, content in contents().items():
            code = verdict(content, Path(folder))
            assert (code == "ok") == name.startswith("good_"), f"{name}: {code}"
            if len(content) > 10_000:
                lines.append(f"{name}.json {code} {len(content)}")
                content = content.rstrip()[:2] if name == "bad_very_deep" else content.rstrip()
            else:
                lines.append(f"{name}.json {code}")
            (FOLDER / f"{name}.json").write_bytes(content)
    (FOLDER / "cases.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
