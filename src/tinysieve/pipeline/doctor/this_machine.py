"""Python, platform, GPU, TFLM and disk, looked at without loading TensorFlow or torch."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from tinysieve.ground.errors import MissingRequirement
from tinysieve.pipeline.doctor.finding import MISSING, OK, PROBLEM, Finding
from tinysieve.pipeline.doctor.packages import installed_version

SUPPORTED = ((3, 11), (3, 12), (3, 13))
LEAST_FREE_BYTES = 2 * 10**9
_GPU_QUERY = ("--query-gpu=name,memory.total,driver_version", "--format=csv,noheader")


def python() -> tuple[Finding, Finding]:
    """Its version and what it runs on."""
    supported = sys.version_info[:2] in SUPPORTED
    names = " or ".join(f"{major}.{minor}" for major, minor in SUPPORTED)
    version = Finding("python", "version", OK if supported else PROBLEM, platform.python_version(),
                      "" if supported else f"create the virtual environment with Python {names}")
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPU cores"
    return version, Finding("python", "platform", OK, machine)


def tflm() -> Finding:
    """Whether the interpreter that measures the arena can be loaded."""
    from tinysieve.quantize.tflm.arena import tflm_runtime

    try:
        tflm_runtime()
    except MissingRequirement as error:
        return Finding("device interpreter", "TFLM", MISSING, error.what,
                       "without it the arena is computed, not measured; pip install 'tinysieve[mcu]' (x86-64 Linux only)")
    installed = installed_version("tflite-micro")
    return Finding("device interpreter", "TFLM", OK, f"loads, {installed[1] if installed else 'version unknown'}")


def gpu() -> tuple[Finding, ...]:
    """What nvidia-smi names, and whether the installed TensorFlow and torch could use it."""
    names = _gpu_names()
    if not names:
        return (Finding("gpu", "NVIDIA GPU", MISSING, "none", "everything works on the CPU; training and detection are slower"),)
    findings = [Finding("gpu", "NVIDIA GPU", OK, name) for name in names]
    tensorflow, torch = installed_version("tensorflow-cpu"), installed_version("torch")
    if tensorflow and tensorflow[0] == "tensorflow-cpu":
        findings.append(Finding("gpu", "TensorFlow", MISSING, "built for CPU only",
                             "replace tensorflow-cpu with 'tensorflow[and-cuda]', or use Dockerfile.gpu"))
    if torch and torch[1].endswith("+cpu"):
        findings.append(Finding("gpu", "torch", MISSING, "built for CPU only", "install a CUDA build of the same version"))
    return tuple(findings)


def disk(folder: Path) -> Finding:
    """Free space where the run will be written; a million images take 62 GB as packed pixels."""
    there = next(path for path in (folder.resolve(), *folder.resolve().parents) if path.exists())
    free = shutil.disk_usage(there).free
    enough = free >= LEAST_FREE_BYTES
    return Finding("disk", "free space for runs", OK if enough else PROBLEM, f"{free / 10**9:,.1f} GB at {there}",
                   "" if enough else "an image takes 62 kB as packed pixels; free space, or set another 'run' folder")


def _gpu_names() -> list[str]:
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    try:
        answer = subprocess.run([program, *_GPU_QUERY], capture_output=True, text=True, timeout=2, check=True)
    except (subprocess.SubprocessError, OSError):
        return []
    return [line.strip() for line in answer.stdout.splitlines() if line.strip()]
