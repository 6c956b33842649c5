"""Pictures in a frame one pixel wide, flat: each pixel has all its neighbours, at fixed steps."""

from ._jit import helper


@helper
def neighbours(connectivity, width):
    """Steps to the neighbours in a picture of framed lines, those by an edge first, and how many they are."""
    return (-width, -1, 1, width, -width - 1, -width + 1, width - 1, width + 1), 4 * connectivity
