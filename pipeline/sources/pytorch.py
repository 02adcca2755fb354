"""Files of PyTorch: none is opened here, and an ONNX file can be made of each."""

from __future__ import annotations

from pathlib import PurePath

#: All of them are programs, or the numbers of one.
SUFFIXES = (".pt", ".pth", ".pt2", ".ckpt", ".safetensors")

#: What makes an ONNX file of a model in PyTorch.
TO_ONNX = """where the model is, in Python: model.eval()
  torch.onnx.export(model, (example,), "net.onnx", input_names=["x"], output_names=["y"])
  then: {then}"""

#: The same of an exported program. To load one runs what stands in it, also where it is no pickle:
#: ``torch.export.load`` falls back to pickles, and evaluates sizes as Python.
PROGRAM_TO_ONNX = """where it comes from, in Python: program = torch.export.load("{name}")
  torch.onnx.export(program, f="net.onnx")
  then: {then}"""


def is_pytorch(name: str) -> bool:
    """Whether a file is one of PyTorch's, by its name."""
    return PurePath(name).suffix.lower() in SUFFIXES


def explain(name: str) -> str:
    """Why a file of PyTorch is not opened."""
    if PurePath(name).suffix.lower() == ".pt2":
        return f"{name} is a program of PyTorch's, and to load it is to run what stands in it"
    return f"{name} is a file of PyTorch, which only the model's own program can read"


def advise(name: str, then: str) -> str:
    """What makes an ONNX file of it.

    Args:
        then: what to do with that.
    """
    text = PROGRAM_TO_ONNX if PurePath(name).suffix.lower() == ".pt2" else TO_ONNX
    return text.format(name=name, then=then)


def refuse(name: str) -> str:
    """The same in one line, for who names it in a config."""
    lines = advise(name, "write source: {onnx: net.onnx}").splitlines()
    return "; ".join([explain(name), *(line.strip() for line in lines)])
