"""Progress of a job, on a terminal and elsewhere."""

import io
import time

from smalti.segment.progress import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_on_a_terminal():
    stream = Terminal()
    with Progress(4, name="work", stream=stream) as bar:
        for step in range(1, 5):
            bar.update(step, "well")
            time.sleep(0.11)
    text = stream.getvalue()
    assert (
        text.endswith("\n") and text.count("\n") == 1 and "[#######" in text and " left  well" in text and "4/4" in text
    )


def test_progress_elsewhere():
    stream = io.StringIO()
    with Progress(1000, name="work", stream=stream) as bar:
        for step in range(1, 1001):
            bar.update(step)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 10 and lines[0].startswith("work 100/1000") and not any("\r" in line for line in lines)
