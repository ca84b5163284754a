"""Waiting for a state. No test sleeps for a time and hopes."""
import time


class NotReached(AssertionError):
    """What was waited for did not come in time; the text says what was seen last."""


def wait_until(what, ask, seconds=30.0, every=0.05):
    """Asks again and again until the answer is true, and returns that answer.

    `ask` may return a false value for "not yet"; its last answer goes into the error.
    """
    end = time.monotonic() + seconds
    while True:
        answer = ask()
        if answer:
            return answer
        if time.monotonic() >= end:
            raise NotReached(f"waited {seconds:g} s for {what}; last seen: {answer!r}")
        time.sleep(every)
