from __future__ import annotations

import multiprocessing
import threading
import time

from pipeline.engine.lanes.background import Background


def test_nothing_begins_while_it_is_held_and_what_began_is_waited_for() -> None:
    background = Background(multiprocessing.get_context("spawn"))
    begun: list[float] = []

    def work() -> None:
        for _ in range(6):
            with background.piece():
                begun.append(time.monotonic())
                time.sleep(0.1)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    while len(begun) < 2:
        time.sleep(0.01)
    background.hold()
    held = time.monotonic()
    assert max(begun) <= held - 0.1, "the last piece was over"
    time.sleep(0.3)
    assert max(begun) < held
    background.go_on()
    for thread in threads:
        thread.join()
    assert len(begun) == 12
