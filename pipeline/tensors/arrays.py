"""NumPy that is imported when something of it is first asked for, and what arrays are called.

Reading a config, planning, and a build with nothing to do need no array, and NumPy's import is a
large part of their time.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

__all__ = ["Array", "Arrays", "Float32s", "Float64s", "Int64s", "NDArray", "np"]


class _Lazy(ModuleType):
    """A module that is imported with the first of its attributes, and keeps those asked for."""

    def __getattr__(self, name: str) -> Any:
        value = getattr(import_module(self.__name__), name)
        setattr(self, name, value)
        return value


if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[Any]
    #: Named as inputs or outputs are.
    Arrays = Mapping[str, Array]
    Float32s = NDArray[np.float32]
    Float64s = NDArray[np.float64]
    Int64s = NDArray[np.int64]
else:
    np = _Lazy("numpy")
    NDArray = Array = Arrays = Float32s = Float64s = Int64s = Any
