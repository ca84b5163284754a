"""The clock of the modelled servers: real time plus what tests moved it. Timeouts, labels and now() go by it."""
import time


class Clock:
    def __init__(self):
        self.ahead = 0.0  # seconds

    def now(self):
        """Seconds since 1970."""
        return time.time() + self.ahead

    def jump(self, seconds):
        self.ahead += seconds
