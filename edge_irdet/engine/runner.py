"""What every runner is: arrays by name in, arrays by name out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType

import numpy as np
from numpy.typing import DTypeLike, NDArray
from typing_extensions import Self

from edge_irdet.errors import RunnerError


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """Static shape and dtype of one input or output."""

    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]

    @staticmethod
    def of(shape: tuple[int, ...], dtype: DTypeLike) -> TensorSpec:
        """Specification from anything NumPy takes for a dtype."""
        return TensorSpec(tuple(shape), np.dtype(dtype))

    def __str__(self) -> str:
        """``float32 [1, 6300, 4]``."""
        return f"{self.dtype} {list(self.shape)}"


class Runner(ABC):
    """Runs one graph; a context manager.

    ``activate`` loads, ``infer`` runs one frame, ``deactivate`` frees. The public methods check order, names,
    shapes and dtypes; the ``_impl`` hooks of a subclass need not. A runner belongs to one thread at a time.
    """

    def __init__(self) -> None:
        self._active = False
        self._inputs: dict[str, TensorSpec] = {}
        self._outputs: dict[str, TensorSpec] = {}

    @property
    @abstractmethod
    def name(self) -> str:
        """Short name for reports, such as ``cpu``."""

    @property
    def inputs(self) -> Mapping[str, TensorSpec]:
        """Inputs by the manifest's names; readable once active."""
        return self._inputs

    @property
    def outputs(self) -> Mapping[str, TensorSpec]:
        """Outputs by the manifest's names; readable once active."""
        return self._outputs

    def activate(self) -> None:
        """Load the graph.

        Raises:
            RunnerError: it is active already, or its library refuses the graph.
        """
        if self._active:
            raise RunnerError(f"the runner {self.name} is active already", "call deactivate() first")
        self._activate_impl()
        self._active = True

    def infer(self, feeds: Mapping[str, NDArray[np.generic]]) -> Mapping[str, NDArray[np.float32]]:
        """Run one frame.

        Args:
            feeds: every input by name, of the shape and dtype that :attr:`inputs` states, C-contiguous.

        Returns:
            Every output by name. The arrays belong to the runner and hold until the next call.

        Raises:
            RunnerError: not active, a wrong array in or out, or the library failed.
        """
        if not self._active:
            raise RunnerError(
                f"the runner {self.name} is not active",
                "put the detector, or the runner itself, in a with statement, or call activate()",
            )
        for name, spec in self.inputs.items():
            array = feeds.get(name)
            if array is None or array.shape != spec.shape or array.dtype != spec.dtype:
                raise RunnerError(
                    f"the input {name!r} is {_described(array)}, the graph takes {spec}",
                    "feed arrays as runner.inputs states them",
                )
            if not array.flags.c_contiguous:
                raise RunnerError(
                    f"the input {name!r} is not C-contiguous", "pass numpy.ascontiguousarray(array)"
                )
        if len(feeds) != len(self.inputs):
            unknown = ", ".join(sorted(set(feeds) - set(self.inputs)))
            raise RunnerError(f"the graph has no input {unknown}", "feed arrays as runner.inputs states them")
        found = self._infer_impl(feeds)
        for name, spec in self.outputs.items():
            output = found.get(name)
            if output is None or output.shape != spec.shape or output.dtype != spec.dtype:
                raise RunnerError(
                    f"the runner {self.name} gave {_described(output)} as {name!r} and had stated {spec}",
                    "export the package again: edge-irdet export CHECKPOINT -o PACKAGE",
                )
        return found

    def deactivate(self) -> None:
        """Free what :meth:`activate` took; may be called again."""
        if self._active:
            self._active = False
            self._deactivate_impl()

    def __enter__(self) -> Self:
        self.activate()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.deactivate()

    @abstractmethod
    def _activate_impl(self) -> None: ...

    @abstractmethod
    def _infer_impl(self, feeds: Mapping[str, NDArray[np.generic]]) -> Mapping[str, NDArray[np.float32]]: ...

    @abstractmethod
    def _deactivate_impl(self) -> None: ...


def _described(array: NDArray[np.generic] | None) -> str:
    return "nothing" if array is None else str(TensorSpec.of(array.shape, array.dtype))
