from __future__ import annotations

import threading
import time

from pipeline.engine.lanes.cluster.turns import Turns


class Log:
    """Threads that take turns, and when each had its own."""

    def __init__(self, turns: Turns) -> None:
        self.turns, self.spans, self.threads = turns, {}, []

    def start(self, name: str, seconds: float, *, alone: bool = False) -> None:
        def run() -> None:
            with self.turns.turn(alone=alone):
                began = time.monotonic()
                time.sleep(seconds)
                self.spans[name] = (began, time.monotonic())

        self.threads.append(threading.Thread(target=run))
        self.threads[-1].start()
        time.sleep(0.02)

    def join(self) -> None:
        for thread in self.threads:
            thread.join(10)
            assert not thread.is_alive()

    def overlap(self, one: str, other: str) -> bool:
        (a, b), (c, d) = self.spans[one], self.spans[other]
        return a < d and c < b


def test_many_go_together_and_what_is_timed_goes_alone() -> None:
    log = Log(Turns())
    log.start("a", 0.2)
    log.start("timed", 0.1, alone=True)
    log.start("b", 0.2)
    log.start("timed too", 0.1, alone=True)
    log.join()
    assert log.overlap("a", "b")
    assert log.spans["b"][1] <= log.spans["timed"][0], "others go first"
    assert not any(log.overlap("timed", other) for other in ("a", "b", "timed too"))


def test_what_is_timed_does_not_wait_for_ever() -> None:
    log = Log(Turns(yields_s=0.1))
    log.start("a", 0.3)
    log.start("timed", 0.1, alone=True)
    for number in range(6):  # without an end of its patience, these would keep it waiting
        log.start(f"later {number}", 0.2)
        time.sleep(0.06)
    log.join()
    after = [name for name in log.spans if log.spans[name][0] >= log.spans["timed"][1]]
    assert len(after) >= 3, log.spans


def test_a_turn_ends_where_the_step_fails() -> None:
    turns = Turns()
    for alone in (True, False, True):
        try:
            with turns.turn(alone=alone):
                raise ValueError
        except ValueError:
            continue
    with turns.turn(alone=True):
        pass
