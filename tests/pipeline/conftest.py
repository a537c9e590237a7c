"""Files that are written, and what a call is refused with."""

import pytest

from fercore.pipeline.parameters import ParameterError


@pytest.fixture
def write():
    def write(path, text):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def refused():
    """Gives what a call is refused with: one line that has all the parts."""

    def refused(call, *parts):
        with pytest.raises(ParameterError) as caught:
            call()
        text = str(caught.value)
        assert "\n" not in text
        for part in parts:
            assert str(part) in text, text
        return text

    return refused
