"""Progress of a long job on stderr: a bar with the time left on a terminal, a plain line now and then elsewhere."""

import sys
import time

_LINES = 10  # over the whole job, where there is no terminal
_REDRAW_SECONDS = 0.1
_BAR_CELLS = 28


class Progress:
    """Show how far a job of `total` steps is. Use it as a context manager; it ends the bar's line.

    Parameters
    ----------
    total : int
    start : int
        Steps that an earlier run has done.
    name : str
    stream : text file, optional
        stderr if not given.
    """

    def __init__(self, total, *, start=0, name="", stream=None):
        self._total, self._start, self._name = total, start, name
        self._stream = sys.stderr if stream is None else stream
        self._terminal = self._stream.isatty()
        self._began = self._drawn = time.monotonic()
        self._width = 0

    def update(self, done, note=""):
        """`done` steps are done; `note` says how it goes."""
        now = time.monotonic()
        if self._terminal:
            if done < self._total and now - self._drawn < _REDRAW_SECONDS:
                return
            filled = _BAR_CELLS * done // max(self._total, 1)
            line = f"{self._name} [{'#' * filled:{_BAR_CELLS}}] {self._status(done, now)}  {note}"
            self._width = max(self._width, len(line))
            self._write("\r" + line.ljust(self._width))
        elif done == self._total or done * _LINES // self._total > (done - 1) * _LINES // self._total:
            self._write(f"{self._name} {self._status(done, now)}  {note}\n")
        self._drawn = now

    def _status(self, done, now):
        elapsed = now - self._began
        left = elapsed * (self._total - done) / max(done - self._start, 1)
        return f"{done}/{self._total}  " + (_time(elapsed) if done == self._total else f"{_time(left)} left")

    def _write(self, text):
        self._stream.write(text)
        self._stream.flush()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._terminal and self._width:
            self._write("\n")


def _time(seconds):
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes} min {seconds:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"
