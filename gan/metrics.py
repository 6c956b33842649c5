"""What a run measures of itself: ``metrics.jsonl``, one JSON object a line, each with its step."""

import json
from pathlib import Path

from ..segment.files import atomic


class Metrics:
    """The records of a run, in memory and in a file.

    Parameters
    ----------
    path : path
        Records that it holds of steps up to `steps_done` are kept; later ones, and a line that a crash cut off,
        belong to steps that will be done again.
    steps_done : int

    Attributes
    ----------
    records : list of dict
    """

    def __init__(self, path, steps_done):
        self.path = Path(path)
        self.records = [record for record in read_records(path) if record["step"] <= steps_done]
        with atomic(self.path) as file:
            file.writelines(map(_line, self.records))

    def add(self, record):
        """Append a record, a dict with a "step"; it is in the file when this returns."""
        self.records.append(record)
        try:
            with open(self.path, "ab") as file:
                file.write(_line(record))
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self.path)) from None

    def last(self, name, default=None):
        """The newest value of this name."""
        return next((record[name] for record in reversed(self.records) if name in record), default)


def read_records(path):
    """The records of a metrics file, as far as they are whole; none if there is no file."""
    try:
        lines = Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return []
    records = []
    for line in lines:
        try:
            record = json.loads(line)
        except ValueError:
            break
        if not isinstance(record, dict) or not isinstance(record.get("step"), int):
            break
        records.append(record)
    return records


def _line(record):
    return json.dumps(record).encode() + b"\n"
