"""The real Ray: same parts as the local executor, whatever dies. Skipped where Ray is not installed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from slow_chunks import CHUNKS, SlowWork, bytes_of

from tinysieve.dataset.executors.executor import ChunkFailed
from tinysieve.dataset.executors.local import LocalExecutor
from tinysieve.ground.errors import InputError
from tinysieve.ground.progress import silent

ray = pytest.importorskip("ray")
pytestmark = pytest.mark.filterwarnings("default")

from tinysieve.dataset.executors.ray_data import RayDataExecutor  # noqa: E402

HERE = Path(__file__).parent


def patiently(start: Callable[[], Any]) -> Any:
    """Started, tried again where busy cores let a node take longer than the half minute that Ray waits."""
    for _ in range(5):
        try:
            return start()
        except Exception as error:
            if "timed out during startup" not in str(error):
                raise
    return start()


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Three nodes of one core each."""
    from ray.cluster_utils import Cluster

    ray.shutdown()
    size = {"num_cpus": 1, "object_store_memory": 100_000_000}
    made = patiently(lambda: Cluster(initialize_head=True, head_node_args=size))
    for _ in range(2):
        patiently(lambda: made.add_node(**size))
    # Workers import the module of the work.
    ray.init(address=made.address, log_to_driver=False, logging_level="error",
             runtime_env={"env_vars": {"PYTHONPATH": f"{HERE}:{os.environ.get('PYTHONPATH', '')}"}})
    yield made
    ray.shutdown()
    made.shutdown()


def local(folder: Path) -> dict[str, bytes]:
    LocalExecutor(1).run(SlowWork(folder, 0), CHUNKS, SlowWork(folder, 0).is_done, silent)
    return bytes_of(folder)


def test_three_nodes_give_the_parts_of_one_process(cluster: Any, tmp_path: Path) -> None:
    heard: list[tuple[int, int]] = []
    work = SlowWork(tmp_path / "ray", 0.02)
    RayDataExecutor("auto", 3, 0).run(work, CHUNKS, work.is_done, lambda done, total: heard.append((done, total)))
    assert bytes_of(tmp_path / "ray") == local(tmp_path / "local")
    assert heard[-1] == (len(CHUNKS) * 3, len(CHUNKS) * 3)
    assert [done for done, _ in heard] == sorted(done for done, _ in heard)
    assert len({path.read_text() for path in (tmp_path / "ray").glob("*.process")}) > 1


def test_what_fails_is_named_and_the_others_are_done(cluster: Any, tmp_path: Path) -> None:
    work = SlowWork(tmp_path, 0, fails=(4,))
    with pytest.raises(ChunkFailed, match="1 of 60 chunks failed 3 times: 4"):
        RayDataExecutor("auto", 3, 0).run(work, CHUNKS, work.is_done, silent)
    assert len(bytes_of(tmp_path)) == len(CHUNKS) - 1
    assert len(list(tmp_path.glob("000004.try-*"))) == 3


def test_an_error_that_a_person_must_act_on_travels_whole(cluster: Any, tmp_path: Path) -> None:
    work = SlowWork(tmp_path, 0, refuses=(4,))
    with pytest.raises(InputError, match="its bytes are others") as caught:
        RayDataExecutor("auto", 3, 0).run(work, CHUNKS, work.is_done, silent)
    assert (caught.value.where, caught.value.fix) == ("4.jpg", "bring it back")


def test_a_worker_is_killed_and_a_node_goes_and_the_parts_are_the_same(cluster: Any, tmp_path: Path) -> None:
    """The worker and the node go while the fifth and the twentieth part are there."""
    gone: list[str] = []
    node = patiently(lambda: cluster.add_node(num_cpus=1, object_store_memory=100_000_000))

    def interfere(done: int, total: int) -> None:
        if done >= 5 * 3 and not gone:
            gone.append("worker")
            processes = {int(path.read_text()) for path in (tmp_path / "ray").glob("*.process")}
            os.kill(min(processes), signal.SIGKILL)
        elif done >= 20 * 3 and len(gone) == 1:
            gone.append("node")
            cluster.remove_node(node, allow_graceful=False)

    work = SlowWork(tmp_path / "ray", 0.2)
    RayDataExecutor("auto", 4, 0).run(work, CHUNKS, work.is_done, interfere)
    assert gone == ["worker", "node"]
    assert bytes_of(tmp_path / "ray") == local(tmp_path / "local")
    assert not list((tmp_path / "ray").glob(".*.tmp"))


def test_a_full_disk_on_one_node_is_named_and_nothing_is_lost(cluster: Any, tmp_path: Path) -> None:
    """What the other nodes can do is done; with room again the rest follows, and no part that was there is made anew."""
    full = tmp_path / "full"
    full.touch()
    work = SlowWork(tmp_path / "ray", 0.05, full=full)
    said = ""
    try:
        RayDataExecutor("auto", 3, 0).run(work, CHUNKS, work.is_done, silent)
    except ChunkFailed as failed:
        said = str(failed)
    assert len(bytes_of(work.folder)) == len(CHUNKS) or "No space left on device" in said
    made = {path: path.stat().st_mtime_ns for path in work.folder.glob("*.part")}
    assert made
    full.unlink()
    RayDataExecutor("auto", 3, 0).run(work, CHUNKS, work.is_done, silent)
    assert {path: path.stat().st_mtime_ns for path in made} == made
    assert bytes_of(tmp_path / "ray") == local(tmp_path / "local")


def test_a_node_that_straggles_leaves_the_work_to_others(cluster: Any, tmp_path: Path) -> None:
    work = SlowWork(tmp_path / "ray", 0.02, straggles=0.5)
    RayDataExecutor("auto", 3, 0).run(work, CHUNKS, work.is_done, silent)
    assert bytes_of(tmp_path / "ray") == local(tmp_path / "local")
    by_process = Counter(path.read_text() for path in work.folder.glob("*.process"))
    assert min(by_process.values()) < len(CHUNKS) / 3


def test_a_worker_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ray.shutdown()
    monkeypatch.setenv("PYTHONPATH", f"{HERE}:{os.environ.get('PYTHONPATH', '')}")
    work = SlowWork(tmp_path / "ray", 0, hangs=(4,))
    RayDataExecutor("local", 2, 0, patience=15).run(work, CHUNKS, work.is_done, silent)
    assert (tmp_path / "ray" / "000004.hung").exists()
    assert bytes_of(tmp_path / "ray") == local(tmp_path / "local")


def test_the_driver_is_killed_and_the_local_executor_finishes(tmp_path: Path) -> None:
    work = SlowWork(tmp_path / "killed", 0.3)
    code = (f"from slow_chunks import CHUNKS, SlowWork; from pathlib import Path\n"
            f"from tinysieve.dataset.executors.ray_data import RayDataExecutor\n"
            f"work = SlowWork(Path({str(work.folder)!r}), {work.seconds})\n"
            f"RayDataExecutor('local', 2, 0).run(work, CHUNKS, work.is_done, lambda done, total: None)\n")
    environment = {**os.environ, "PYTHONPATH": f"{HERE}:{os.environ.get('PYTHONPATH', '')}"}
    environment.pop("RAY_ADDRESS", None)
    driver = subprocess.Popen([sys.executable, "-c", code], env=environment)
    deadline = time.monotonic() + 120
    while len(bytes_of(work.folder)) < 5 and time.monotonic() < deadline and driver.poll() is None:
        time.sleep(0.1)
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    finished = bytes_of(work.folder)
    assert 5 <= len(finished) < len(CHUNKS)
    assert local(work.folder) == local(tmp_path / "local")


def test_where_no_cluster_answers_it_is_said(tmp_path: Path) -> None:
    ray.shutdown()
    work = SlowWork(tmp_path, 0)
    with pytest.raises(InputError, match="no Ray cluster answers"):
        RayDataExecutor("nonsense://nowhere", None, 0).run(work, CHUNKS, work.is_done, silent)


def test_chunks_that_are_done_start_no_cluster(tmp_path: Path) -> None:
    made, heard = local(tmp_path), []
    work = SlowWork(tmp_path, 0)
    # To ask this address for anything is an error.
    RayDataExecutor("nonsense://nowhere", None, 0).run(work, CHUNKS, work.is_done, lambda *counts: heard.append(counts))
    assert heard == [(len(CHUNKS) * 3, len(CHUNKS) * 3)]
    assert bytes_of(tmp_path) == made
