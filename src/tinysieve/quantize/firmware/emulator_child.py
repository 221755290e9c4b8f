"""The emulated microcontroller in a process of its own: it is foreign native code, and the program on it may not end."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from tinysieve.ground.child_process import Companion, serve
from tinysieve.ground.errors import InputError
from tinysieve.quantize.firmware.emulator import Emulator, Sections, require_unicorn
from tinysieve.quantize.firmware.toolchain import Memory

TIMEOUT_S = 300.0
MEMORY_BYTES = 4 * 2**30


class EmulatedBoard:
    """An :class:`Emulator` behind a process: it starts with the image, and ends when closed.

    Each question of it raises InputError where the program touches memory that the board does not have, or takes too long.
    """

    def __init__(self, image: bytes, memory: Memory) -> None:
        """Raises MissingRequirement without unicorn, InputError where the image has no start table."""
        require_unicorn()
        self._child = Companion("tinysieve.quantize.firmware.emulator_child", TIMEOUT_S)
        self.sections = Sections(**json.loads(self._ask({"do": "boot", "memory": asdict(memory)}, image)))

    def answer(self, codes: bytes, output_sizes: Sequence[int]) -> bytes:
        """Bytes of all outputs of one inference, one output after the other."""
        return self._ask({"do": "answer", "output_sizes": list(output_sizes)}, codes)

    def counted(self, codes: bytes, output_sizes: Sequence[int]) -> tuple[bytes, int]:
        """Output bytes and the instructions that one inference took, exactly."""
        output = self._ask({"do": "counted", "output_sizes": list(output_sizes)}, codes)
        return output, int(self._ask({"do": "instructions"}))

    def stack_bytes(self) -> int:
        """The deepest that the stack has been in any run so far."""
        return int(self._ask({"do": "stack"}))

    def close(self) -> None:
        """End the process."""
        self._child.close()

    def _ask(self, request: dict[str, Any], data: bytes = b"") -> bytes:
        try:
            return self._child.ask(json.dumps(request).encode() + b"\n" + data)
        except InputError as error:
            raise InputError(f"the emulated board: {error.what}", why="the program does not run there",
                             fix="report this as a fault of tinysieve, with the model") from error


class _Board:
    """What the process keeps: the machine, and the instructions of the last counted run."""

    machine: Emulator | None = None
    instructions = 0

    def answer(self, question: bytes) -> bytes:
        request, data = question.split(b"\n", 1)
        asked = json.loads(request)
        if asked["do"] == "boot":
            self.machine = Emulator(data, Memory(**asked["memory"]))
            return json.dumps(asdict(self.machine.sections)).encode()
        if self.machine is None:
            raise InputError("it was lost with its process")
        return self._run(self.machine, asked, data)

    def _run(self, machine: Emulator, asked: dict[str, Any], data: bytes) -> bytes:
        match asked["do"]:
            case "answer":
                return machine.answer(data, asked["output_sizes"])
            case "counted":
                output, self.instructions = machine.counted(data, asked["output_sizes"])
                return output
            case "instructions":
                return str(self.instructions).encode()
            case _:
                return str(machine.stack_bytes()).encode()


if __name__ == "__main__":
    serve(_Board().answer, MEMORY_BYTES)
