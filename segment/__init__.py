"""From a photograph to its regions: preprocess, extract features, partition, post-process.

======================  ============================================================
`segment`               the whole way, by a method of your choice
`preprocess`            any picture to smoothed RGB in [0, 1], resized, turned, flipped
`extract_features`      its colours, textures and edges, pixel by pixel
`stack_features`        them side by side, each with an equal part
`Segmentation`          labels, and pictures and tables of them
`hierarchy`             every segmentation at once, as a `MergeTree`
`segment_files`         many picture files at a time, to files
``segment.metrics``     how well regions agree with those that people drew
======================  ============================================================

To read the code, begin with ``methods.py``.
"""

from . import metrics as metrics
from .batch import FileResult, segment_files
from .features import extract_features, stack_features
from .hierarchy import hierarchy
from .merge_tree import MergeTree
from .methods import segment
from .preprocess import preprocess
from .segmentation import Segmentation

__all__ = [
    "FileResult",
    "MergeTree",
    "Segmentation",
    "extract_features",
    "hierarchy",
    "metrics",
    "preprocess",
    "segment",
    "segment_files",
    "stack_features",
]
