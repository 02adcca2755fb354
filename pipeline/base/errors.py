"""What can go wrong, said so that a person knows what to do next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager


class PipelineError(Exception):
    """A failure the user can act on.

    Args:
        what: what happened, in one sentence without a full stop.
        where: the file, line, URL, step or artifact it happened at.
        todo: what to do next, in one sentence without a full stop.
    """

    exit_code = 1
    ends_all = False
    """Whether nothing else of the command has to be tried."""

    def __init__(self, what: str, *, where: str = "", todo: str = "") -> None:
        super().__init__(what, where, todo)
        self.what = what
        self.where = where
        self.todo = todo

    def __str__(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        return f"{head}\n  {self.todo}" if self.todo else head

    def __reduce__(self) -> tuple[object, ...]:
        # Errors cross process boundaries; keyword-only arguments do not pickle by themselves.
        return (_rebuild, (type(self), self.what, self.where, self.todo))


class ConfigError(PipelineError):
    """The command line or the config is wrong."""

    exit_code = 2


class GateError(PipelineError):
    """An artifact missed a bound that it must keep to be published."""

    exit_code = 3


class SourceError(PipelineError):
    """A model, its weights or its samples could not be had, or cannot be trusted."""

    exit_code = 4


class MissingToolError(PipelineError):
    """A tool or backend that the config requires is not on this machine."""

    exit_code = 5


def together(errors: Sequence[PipelineError]) -> PipelineError:
    """Several errors as one, which ends the command as the first of them would."""
    distinct = list({str(error): error for error in errors}.values())
    if len(distinct) == 1:
        return distinct[0]
    error = type(distinct[0])("\n".join(map(str, distinct)))
    error.__cause__ = ExceptionGroup("all of them", distinct)
    return error


class Failures:
    """What failed of several things, none of which needs another one."""

    def __init__(self) -> None:
        self._errors: list[PipelineError] = []

    @contextmanager
    def collect(self, of: str = "") -> Iterator[None]:
        """Keep an error for the end, so that what comes next has its turn.

        Args:
            of: what it is an error of, where it does not say so itself.
        """
        try:
            yield
        except PipelineError as error:
            if error.ends_all:
                self._errors.append(error)
                self.tell()
            self._errors.append(error if error.where.startswith(of) else _of(of, error))

    def tell(self) -> None:
        """Raise what was kept, if anything was.

        Raises:
            PipelineError: all of it.
        """
        if self._errors:
            raise together(self._errors)


def _of(place: str, error: PipelineError) -> PipelineError:
    where = f"{place}: {error.where}" if error.where else place
    named = type(error)(error.what, where=where, todo=error.todo)
    named.__cause__ = error
    return named


def _rebuild(kind: type[PipelineError], what: str, where: str, todo: str) -> PipelineError:
    return kind(what, where=where, todo=todo)


class RunError(PipelineError):
    """An artifact does not run on a backend: that is a failure of it there, and of nothing else.

    Args:
        lasting: the same artifact would fail in the same way again.
        again: one more try may do better: what it ran in broke down.
        unknown: it may well run elsewhere, as where there is more memory.
    """

    def __init__(
        self,
        what: str,
        *,
        where: str = "",
        todo: str = "",
        lasting: bool = True,
        again: bool = False,
        unknown: bool = False,
    ) -> None:
        super().__init__(what, where=where, todo=todo)
        self.lasting, self.again, self.unknown = lasting, again, unknown
