"""Reverse-mode differentiation: recorded operations, and the walk back over them.

Each recorded operation is a `Function`: it holds what its `backward` needs, and its parents, which are the
operations (or the leaf tensors) that made its inputs. Nothing points forward, so there are no reference
cycles, and a result that nobody uses takes its operations with it.

An operation is numbered when it is created, hence newer than all its parents. Going back visits what is
reachable in descending number: when an operation's turn comes, everything that used its result has been
visited and its gradient is complete. A heap of the operations reached so far is all that this needs: no
recursion, no global tape.

Every `backward` is itself written with tensors. Normally nothing of it is recorded; with ``create_graph`` it
is, and gradients can be differentiated again.

Source: Griewank & Walther, Evaluating Derivatives, 2nd ed. 2008, section 3.2 (reverse mode).
"""

import contextlib
import heapq
import itertools
import threading

_numbers = itertools.count()


class _Mode(threading.local):
    recording = True


_mode = _Mode()


def is_recording():
    """Whether operations are recorded now, in this thread."""
    return _mode.recording


@contextlib.contextmanager
def recording(enabled):
    """Within this context operations are recorded, or are not."""
    before, _mode.recording = _mode.recording, enabled
    try:
        yield
    finally:
        _mode.recording = before


def no_grad():
    """Context manager (and decorator) within which operations are not recorded.

    Examples
    --------
    >>> from smalti import nn
    >>> w = nn.tensor([1.0, 2.0], requires_grad=True)
    >>> with nn.no_grad():
    ...     y = 2 * w
    >>> y.requires_grad
    False
    """
    return recording(False)


class Function:
    """An operation on tensors: `forward` beside `backward`.

    A subclass defines ``__init__(self, **options)`` if it has options, ``forward(self, *tensors)``, which returns
    an array and keeps in attributes what `backward` will need, and ``backward(self, dy)``, which returns the
    gradient of each input, as a tuple where there are several, None for inputs that `needs` says need none.
    Backward must not modify `dy`.
    """

    number = -1
    parents = None  # None also says: already used and freed
    needs = ()

    @classmethod
    def apply(cls, *inputs, **options):
        """The operation's result as a tensor; recorded if an input requires a gradient."""
        node = cls(**options)
        node.needs = tuple(_mode.recording and t.requires_grad for t in inputs)
        data = node.forward(*inputs)
        if not any(node.needs):
            return inputs[0].from_data(data)
        node.number = next(_numbers)
        node.parents = tuple(t.origin if needed else None for t, needed in zip(inputs, node.needs, strict=True))
        return inputs[0].from_data(data, node)

    def forward(self, *inputs):
        raise NotImplementedError

    def backward(self, dy):
        raise NotImplementedError

    def gradients(self, dy):
        """Backward's result as a tuple."""
        result = self.backward(dy)
        return result if isinstance(result, tuple) else (result,)

    def release(self):
        """Forget parents and everything kept for backward."""
        self.__dict__.clear()


def propagate(outputs, gradients, wanted=None, create_graph=False):
    """Carry gradients from output tensors back to what they were computed from.

    Parameters
    ----------
    outputs, gradients : sequences of Tensor
    wanted : sequence of Tensor, optional
        Where gradients are wanted; all leaves if not given. Only paths that lead there are computed.
    create_graph : bool
        Record what backward does, and keep the graph; otherwise it is freed on the way.

    Returns
    -------
    dict
        The gradient of each leaf reached or, if `wanted` is given, of each wanted tensor reached, under the
        tensor's `origin`.
    """
    arrived, queue, result = {}, [], {}
    targets = None if wanted is None else {t.origin for t in wanted}
    useful = None if wanted is None else _leading_to(targets, outputs)

    def arrive(place, gradient):
        if place in arrived:
            arrived[place] = arrived[place] + gradient
            return
        arrived[place] = gradient
        if isinstance(place, Function):
            heapq.heappush(queue, (-place.number, place))

    with recording(create_graph):
        for output, gradient in zip(outputs, gradients, strict=True):
            if useful is None or output.origin in useful:
                arrive(output.origin, gradient)
        while queue:
            node = heapq.heappop(queue)[1]
            dy = arrived.pop(node)
            if targets is not None and node in targets:
                result[node] = dy
            if node.parents is None:
                raise RuntimeError("backward: this graph was already used by a backward pass, and freed by it")
            needs = node.needs
            if useful is not None:
                node.needs = tuple(p is not None and p in useful for p in node.parents)
            if any(node.needs):
                received = node.gradients(dy)
                for parent, needed, gradient in zip(node.parents, node.needs, received, strict=True):
                    if needed:
                        arrive(parent, gradient)
                received = gradient = None
            dy = None
            if create_graph:
                node.needs = needs
            else:
                node.release()
    arrived.update(result)
    return arrived


def _leading_to(targets, outputs):
    """Everything between `outputs` and `targets`, both included, from which a target can be reached."""
    found, stack = set(), [t.origin for t in outputs]
    while stack:
        place = stack.pop()
        if place is not None and place not in found:
            found.add(place)
            if isinstance(place, Function):
                if place.parents is None:
                    raise RuntimeError("grad: this graph was already used by a backward pass, and freed by it")
                stack.extend(place.parents)
    useful = found & targets
    for node in sorted((p for p in found if isinstance(p, Function)), key=lambda p: p.number):
        if any(parent in useful for parent in node.parents):
            useful.add(node)
    return useful
