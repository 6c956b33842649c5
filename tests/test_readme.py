"""The README's example gives the output that it shows."""

import doctest

import pytest

from tests.helpers import ROOT


@pytest.mark.compiled
def test_example():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    test = doctest.DocTestParser().get_doctest(text.replace("\n```\n", "\n\n"), {}, "README.md", "README.md", 0)
    assert len(test.examples) > 8
    report = []
    doctest.DocTestRunner(verbose=False).run(test, out=report.append)
    assert not report, "".join(report)
