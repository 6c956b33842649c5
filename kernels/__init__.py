"""The compiled loops of smalti: arrays in, arrays out.

Every file here is one algorithm, and every public function is a name of this package: ``kernels.label`` is the
function, from ``kernels/label.py``. That holds in any order of imports because this file imports them all:
importing a file sets its name here to the file, but only the first time.

The letters of shapes, everywhere in this library:

==============  ==========================================================
``N``           pictures of a batch, or samples
``H W C``       rows, columns and channels; channels come last
``KH KW``       rows and columns of a kernel (a stencil, a filter)
``C_in C_out``  channels before and after
``OH OW``       rows and columns of an output
==============  ==========================================================

Images are ``(H, W)`` or ``(H, W, C)``, batches ``(N, H, W, C)``, weights of a convolution
``(KH, KW, C_in, C_out)``.
"""

from .avg_pool2d import avg_pool2d, avg_pool2d_backward
from .batch_norm import batch_norm, batch_norm_backward
from .canny import canny
from .closing import closing
from .conv2d import conv2d
from .conv2d_backward_input import conv2d_backward_input
from .conv2d_backward_weight import conv2d_backward_weight
from .conv2d_transpose import conv2d_transpose
from .convolve import convolve
from .correlate import correlate
from .dbscan import dbscan
from .dilation import dilation
from .distance_transform_edt import distance_transform_edt
from .erosion import erosion
from .felzenszwalb import felzenszwalb
from .fill_holes import fill_holes
from .find_boundaries import find_boundaries
from .flip import flip
from .gabor import gabor
from .gabor_bank import gabor_bank
from .gabor_kernel import gabor_kernel
from .gaussian import gaussian
from .gaussian_laplace import gaussian_laplace
from .h_maxima import h_maxima
from .histogram import histogram
from .hsv import hsv2rgb, rgb2hsv
from .kmeans import KMeansResult, kmeans
from .lab import lab2rgb, rgb2lab
from .label import label
from .laplace import laplace
from .laplacian_eigenmaps import laplacian_eigenmaps
from .local_histogram import local_histogram
from .majority import majority
from .mark_boundaries import mark_boundaries
from .matmul import matmul
from .max_pool2d import max_pool2d, max_pool2d_backward
from .merge_regions import Merges, merge_regions
from .opening import opening
from .oriented_gradient import oriented_gradient
from .peak_local_max import peak_local_max
from .prewitt import prewitt
from .region_adjacency import RegionGraph, region_adjacency
from .relabel_sequential import LabelMap, relabel_sequential
from .remove_small_objects import remove_small_objects
from .resize import resize
from .rgb2gray import rgb2gray
from .rotate import rotate
from .scharr import scharr
from .slic import slic
from .sobel import sobel
from .thin import thin
from .threshold_otsu import threshold_otsu
from .watershed import watershed

__all__ = [
    "KMeansResult",
    "LabelMap",
    "Merges",
    "RegionGraph",
    "avg_pool2d",
    "avg_pool2d_backward",
    "batch_norm",
    "batch_norm_backward",
    "canny",
    "closing",
    "conv2d",
    "conv2d_backward_input",
    "conv2d_backward_weight",
    "conv2d_transpose",
    "convolve",
    "correlate",
    "dbscan",
    "dilation",
    "distance_transform_edt",
    "erosion",
    "felzenszwalb",
    "fill_holes",
    "find_boundaries",
    "flip",
    "gabor",
    "gabor_bank",
    "gabor_kernel",
    "gaussian",
    "gaussian_laplace",
    "h_maxima",
    "histogram",
    "hsv2rgb",
    "kmeans",
    "lab2rgb",
    "label",
    "laplace",
    "laplacian_eigenmaps",
    "local_histogram",
    "majority",
    "mark_boundaries",
    "matmul",
    "max_pool2d",
    "max_pool2d_backward",
    "merge_regions",
    "opening",
    "oriented_gradient",
    "peak_local_max",
    "prewitt",
    "region_adjacency",
    "relabel_sequential",
    "remove_small_objects",
    "resize",
    "rgb2gray",
    "rgb2hsv",
    "rgb2lab",
    "rotate",
    "scharr",
    "slic",
    "sobel",
    "thin",
    "threshold_otsu",
    "watershed",
]
