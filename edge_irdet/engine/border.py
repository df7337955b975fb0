"""The border of a package's graph: names, shapes and dtypes of its inputs and outputs, as the manifest says.

Every runner is compared with it at activation, before anything of a size that the graph states is allocated:
a graph with other outputs would detect something else, or nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from edge_irdet.engine.runner import TensorSpec
from edge_irdet.errors import RunnerError
from edge_irdet.package import Manifest


@dataclass(frozen=True)
class GraphBorder:
    """Tensors by name."""

    inputs: Mapping[str, TensorSpec]
    outputs: Mapping[str, TensorSpec]

    @staticmethod
    def of(manifest: Manifest) -> GraphBorder:
        """What the manifest says; its values are bounded (:mod:`edge_irdet.manifest_limits`)."""
        image = manifest.input
        shape = (1, image.channels, image.height, image.width)
        return GraphBorder(
            {image.name: TensorSpec.of(shape, image.dtype)},
            {output.name: TensorSpec.of(tuple(output.shape), np.float32) for output in manifest.outputs},
        )

    def require(
        self, inputs: Mapping[str, TensorSpec], outputs: Mapping[str, TensorSpec], what: str, next_step: str
    ) -> None:
        """Compare the tensors that a runner found with these.

        Args:
            inputs, outputs: what was found, by the manifest's names.
            what: whose they are, such as the graph's path; begins the message.
            next_step: what to do where they differ.

        Raises:
            RunnerError: a tensor is missing, is one too many, or has another shape or dtype.
        """
        wrong = [*_differences("input", self.inputs, inputs), *_differences("output", self.outputs, outputs)]
        if wrong:
            raise RunnerError(f"{what} is not as the manifest says: {'; '.join(wrong[:NAMED])}", next_step)


NAMED = 4
"""Differences that one message names."""


def _differences(
    kind: str, stated: Mapping[str, TensorSpec], found: Mapping[str, TensorSpec]
) -> Iterator[str]:
    for name, spec in stated.items():
        if name not in found:
            yield f"there is no {kind} {name!r}"
        elif found[name] != spec:
            yield f"the {kind} {name!r} is {found[name]}, stated is {spec}"
    for name in found:
        if name not in stated:
            yield f"the {kind} {name[:40]!r} is not stated"
