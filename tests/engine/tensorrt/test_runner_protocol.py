"""The runner against the FAKE of TensorRT and CUDA: the protocol is proved, TensorRT is not met."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import pytest

pytest.importorskip("onnx")

from fake_cuda import ADA, ORIN, FakeCuda
from fake_tensorrt import fake_tensorrt

from edge_irdet.engine.cpu_runner import CpuRunner
from edge_irdet.engine.runner import Runner
from edge_irdet.engine.tensorrt.building import BuildConfig, EngineBuilder
from edge_irdet.engine.tensorrt.module import TensorRTModule
from edge_irdet.engine.tensorrt.runner import WARM_UP, TensorRTRunner
from edge_irdet.errors import (
    CudaError,
    DriverMissingError,
    DriverOutdatedError,
    EdgeIrdetError,
    RunnerError,
    TensorRTError,
    WrongThreadError,
)
from edge_irdet.package import Package, Precision

GENERATIONS = ["8.5", "10", "11", "rtx"]


class World:
    """A package with an engine, and the fake device it was built on."""

    def __init__(self, package: Package, generation: str = "10") -> None:
        self.package = package
        self.cuda = FakeCuda(ADA if generation == "rtx" else ORIN)
        self.trt = fake_tensorrt(generation, self.cuda)
        self.module = TensorRTModule(self.trt)
        self.engine = EngineBuilder(package, self.module, self.cuda).build(BuildConfig())
        self.cuda.require_nothing_left()
        self.cuda.calls.clear()
        self.trt.events.clear()

    def runner(self, **options: object) -> TensorRTRunner:
        return TensorRTRunner(self.package, module=self.module, cuda=self.cuda, **options)


@pytest.fixture
def world(small_package: Package) -> World:
    return World(small_package)


def frames(count: int) -> list[dict[str, np.ndarray]]:
    generator = np.random.default_rng(3)
    return [{"image": generator.integers(0, 256, (1, 1, 4, 6)).astype(np.uint8)} for _ in range(count)]


def reference(package: Package, feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    with CpuRunner(package.read_graph(), threads=1) as cpu:
        return {name: array.copy() for name, array in cpu.infer(feeds).items()}


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize("graph", [True, False])
def test_every_frame_gets_its_own_result(small_package: Package, generation: str, graph: bool) -> None:
    world = World(small_package, generation)
    with world.runner(cuda_graph=graph) as runner:
        assert runner.launch == ("CUDA graph" if graph else "enqueueV3 (as asked)")
        assert runner.name == ("tensorrt_rtx" if generation == "rtx" else "tensorrt")
        for feeds in frames(3):
            result = runner.infer(feeds)
            expected = reference(small_package, feeds)
            assert result.keys() == expected.keys()
            for name, array in expected.items():
                np.testing.assert_array_equal(result[name], array)
    world.cuda.require_nothing_left()


def test_the_driver_is_probed_before_tensorrt(world: World) -> None:
    with world.runner():
        pass
    assert world.cuda.calls[0] == "device_count"
    assert world.cuda.calls.index("attach") < world.cuda.calls.index("create_stream")


def test_memory_is_allocated_once_and_a_frame_is_one_launch(world: World) -> None:
    with world.runner() as runner:
        world.cuda.calls.clear()
        world.trt.events.clear()
        for feeds in frames(5):
            runner.infer(feeds)
        assert world.cuda.calls == ["launch_graph", "synchronise"] * 5
        assert world.trt.events == []  # the graph replays what was enqueued at the capture


def test_without_a_graph_a_frame_is_copies_enqueue_copies(world: World) -> None:
    with world.runner(cuda_graph=False) as runner:
        world.cuda.calls.clear()
        world.trt.events.clear()
        runner.infer(frames(1)[0])
        assert world.cuda.calls == ["copy_to_device", "copy_to_host", "copy_to_host", "synchronise"]
        assert world.trt.events == ["enqueued"]


def test_the_graph_is_captured_after_the_warm_up(world: World) -> None:
    with world.runner():
        before = world.cuda.calls[: world.cuda.calls.index("begin_capture")]
        assert before.count("synchronise") == WARM_UP


def test_everything_is_freed_in_the_reverse_order(world: World) -> None:
    runner = world.runner()
    runner.activate()
    world.cuda.calls.clear()
    world.trt.events.clear()
    runner.deactivate()
    runner.deactivate()
    freed = ["destroy_graph", "synchronise", *["free_pinned", "free"] * 3, "destroy_stream", "detach"]
    assert world.cuda.calls == freed
    assert world.trt.events == ["context freed", "engine freed"]
    world.cuda.require_nothing_left()


def test_results_outlive_the_runner(world: World) -> None:
    feeds = frames(1)[0]
    with world.runner() as runner:
        result = runner.infer(feeds)
    np.testing.assert_array_equal(result["boxes"], reference(world.package, feeds)["boxes"])


def test_it_can_be_activated_again(world: World) -> None:
    runner = world.runner()
    feeds = frames(1)[0]
    for _ in range(2):
        with runner:
            np.testing.assert_array_equal(
                runner.infer(feeds)["scores"], reference(world.package, feeds)["scores"]
            )
    world.cuda.require_nothing_left()


def in_thread(action: Callable[[], object]) -> BaseException | None:
    """What ``action`` raised in another thread."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            action()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run, name="other thread")
    thread.start()
    thread.join()
    return raised[0] if raised else None


def test_another_thread_is_refused(world: World) -> None:
    feeds = frames(1)[0]
    with world.runner() as runner:
        for action in (lambda: runner.infer(feeds), runner.deactivate):
            error = in_thread(action)
            assert isinstance(error, WrongThreadError)
            assert "other thread" in error.what
        runner.infer(feeds)
    world.cuda.require_nothing_left()


def test_each_thread_has_its_own_context_and_stream(world: World) -> None:
    barrier = threading.Barrier(2)
    results: dict[str, np.ndarray] = {}
    every = frames(2)

    def work(index: int) -> None:
        with world.runner() as runner:
            barrier.wait(10)
            assert len(world.cuda.streams) == 2
            results[str(index)] = runner.infer(every[index])["boxes"].copy()
            barrier.wait(10)

    threads = [threading.Thread(target=work, args=(index,), name=f"worker {index}") for index in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    made = {event for event in world.trt.events if event.startswith("context made")}
    assert made == {"context made on worker 0", "context made on worker 1"}
    for index, feeds in enumerate(every):
        np.testing.assert_array_equal(results[str(index)], reference(world.package, feeds)["boxes"])
    world.cuda.require_nothing_left()


@pytest.mark.parametrize("call", ["begin_capture", "end_capture"])
def test_a_failed_capture_falls_back(world: World, call: str) -> None:
    world.cuda.fail[call] = 0
    feeds = frames(1)[0]
    with world.runner() as runner:
        assert runner.launch == f"enqueueV3 (the capture failed: {call} failed, as the test asked)"
        np.testing.assert_array_equal(runner.infer(feeds)["boxes"], reference(world.package, feeds)["boxes"])
    world.cuda.require_nothing_left()


def test_a_failure_within_the_capture_leaves_capture_mode(world: World) -> None:
    world.cuda.fail["copy_to_device"] = WARM_UP
    with world.runner() as runner:
        assert runner.launch.startswith("enqueueV3 (the capture failed: copy_to_device")
        runner.infer(frames(1)[0])
    world.cuda.require_nothing_left()


def test_adapters_and_engines_that_cannot_be_captured(small_package: Package) -> None:
    world = World(small_package, "rtx")
    world.trt.state.capturable = False
    with world.runner() as runner:
        assert runner.launch == "enqueueV3 (TensorRT says that this engine cannot be captured)"
    world.cuda.supports_graphs = False
    with world.runner() as runner:
        assert runner.launch == "enqueueV3 (fake cannot capture CUDA graphs)"
    assert "begin_capture" not in world.cuda.calls


@pytest.mark.parametrize(
    "call",
    [
        "attach",
        "create_stream",
        "allocate",
        "allocate_pinned",
        "copy_to_device",
        "copy_to_host",
        "synchronise",
    ],
)
@pytest.mark.parametrize("after", [0, 1])
def test_a_failed_activation_frees_everything(world: World, call: str, after: int) -> None:
    if after and call in ("attach", "create_stream"):
        pytest.skip("called once")
    world.cuda.fail[call] = after
    runner = world.runner()
    with pytest.raises(CudaError, match=call):
        runner.activate()
    world.cuda.require_nothing_left()
    with runner:  # and it can be tried again
        runner.infer(frames(1)[0])
    world.cuda.require_nothing_left()


def test_a_null_from_enqueue_carries_the_log(world: World) -> None:
    with world.runner(cuda_graph=False) as runner:
        world.trt.state.refuse_enqueue = True
        with pytest.raises(TensorRTError, match="Cask convolution execution"):
            runner.infer(frames(1)[0])
    world.cuda.require_nothing_left()


def test_a_runtime_that_cannot_be_created(world: World) -> None:
    world.trt.state.no_runtime = True
    with pytest.raises(TensorRTError, match="could not create its runtime"):
        world.runner().activate()
    world.cuda.require_nothing_left()


@pytest.mark.parametrize(
    ("cuda", "error"),
    [
        (FakeCuda(device=None, driver=0), DriverMissingError),
        (FakeCuda(device=None), DriverMissingError),
        (FakeCuda(driver=12060, runtime=13000), DriverOutdatedError),
    ],
    ids=["no driver", "no device", "old driver"],
)
def test_no_or_an_old_driver_is_told_before_tensorrt_is_touched(
    world: World, cuda: FakeCuda, error: type[EdgeIrdetError]
) -> None:
    runner = TensorRTRunner(world.package, module=world.module, cuda=cuda)
    with pytest.raises(error) as caught:
        runner.activate()
    assert world.trt.events == []
    assert set(cuda.calls) <= {"device_count", "driver_version", "runtime_version"}
    assert caught.value.next_step


def test_the_runner_checks_what_it_is_fed(world: World) -> None:
    runner: Runner = world.runner()
    with pytest.raises(RunnerError, match="not active"):
        runner.infer(frames(1)[0])
    with runner, pytest.raises(RunnerError, match="uint8"):
        runner.infer({"image": np.zeros((1, 1, 4, 6), np.float32)})


def test_fp16_runs_its_own_engine(world: World) -> None:
    EngineBuilder(world.package, world.module, world.cuda).build(BuildConfig(Precision.FP16))
    with TensorRTRunner(world.package, Precision.FP16, module=world.module, cuda=world.cuda) as runner:
        assert runner.engine is not None
        assert runner.engine.identity.precision is Precision.FP16
        assert runner.infer(frames(1)[0])["boxes"].dtype == np.float32


def test_the_context_tells_no_profiler_of_each_layer(world: World) -> None:
    with world.runner():
        assert world.trt.state.nvtx == ["NONE"]
