"""tinysieve: sieve the data, shrink the model, ship the .tflite.

    import tinysieve as ts

    ts.find_label_issues(pred_probs, labels)
    ts.Model.open("model.tflite").fit(ram="320KiB").emulate("STM32F746")
    ts.Run("configs/demo.yaml").filter().train().quantize().verify()

`docs/python.md` shows every name. Each is imported on first use, so that the import itself takes milliseconds.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tinysieve.face.clean_labels import clean_labels
    from tinysieve.face.label_issues import LabelIssues, find_label_issues
    from tinysieve.ground.errors import GateMissed, InputError, MissingRequirement, TinysieveError
    from tinysieve.model import FittedModel, Model, TargetMissed, TargetUnmeasured
    from tinysieve.run import Run

__all__ = ["FittedModel", "GateMissed", "InputError", "LabelIssues", "MissingRequirement", "Model", "Run", "TargetMissed",
           "TargetUnmeasured", "TinysieveError", "clean_labels", "find_label_issues"]

_ERRORS = ("GateMissed", "InputError", "MissingRequirement", "TinysieveError")
_MODULES = {
    "clean_labels": "tinysieve.face.clean_labels",
    **dict.fromkeys(("LabelIssues", "find_label_issues"), "tinysieve.face.label_issues"),
    **dict.fromkeys(_ERRORS, "tinysieve.ground.errors"),
    **dict.fromkeys(("FittedModel", "Model", "TargetMissed", "TargetUnmeasured"), "tinysieve.model"),
    "Run": "tinysieve.run",
}


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


# A type checker would take any name for right where it sees this function.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name not in _MODULES:
            raise AttributeError(f"module 'tinysieve' has no attribute {name!r}")
        from importlib import import_module

        value: object = getattr(import_module(_MODULES[name]), name)
        globals()[name] = value
        return value
