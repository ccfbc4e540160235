"""Which version a request gets."""

from __future__ import annotations

import pytest
from tensorflow_serving.apis import model_pb2

from serving.server.servables import Servables
from serving.status import Code, StatusError


class Version:
    """A loaded version without a model."""

    def __init__(self, number, is_retired=False):
        self.version = number
        self.is_retired = is_retired
        self.in_flight = 0

    def acquire(self):
        """Counts a request in, unless it is retired."""
        self.in_flight += not self.is_retired
        return not self.is_retired

    def release(self):
        """Counts a request out."""
        self.in_flight -= 1


@pytest.fixture
def servables():
    made = Servables()
    for number in (2, 10):
        made.publish("m", Version(number))
    made.label({"m": {"stable": 2, "gone": 7}})
    return made


def spec(**choice):
    label = choice.pop("label", "")
    asked = model_pb2.ModelSpec(name="m", version_label=label) if label else model_pb2.ModelSpec()
    asked.name = choice.get("name", "m")
    if "version" in choice:
        asked.version.value = choice["version"]
    return asked


@pytest.mark.parametrize(
    ("choice", "version"), [({}, 10), ({"version": 2}, 2), ({"label": "stable"}, 2)]
)
def test_a_request_gets_the_newest_version_or_the_one_it_names(servables, choice, version):
    """By number or by label; 10 is newer than 2."""
    with servables.acquire(spec(**choice)) as servable:
        assert (servable.version, servable.in_flight) == (version, 1)
    assert servable.in_flight == 0


@pytest.mark.parametrize(
    ("choice", "code", "message"),
    [
        ({"name": ""}, Code.INVALID_ARGUMENT, "ModelSpec has no name specified."),
        ({"name": "n"}, Code.NOT_FOUND, "Servable not found for request: Latest(n)"),
        ({"version": 3}, Code.NOT_FOUND, "Servable not found for request: Specific(m, 3)"),
        ({"label": "gone"}, Code.NOT_FOUND, "Servable not found for request: Specific(m, 7)"),
        ({"label": "new"}, Code.INVALID_ARGUMENT, "Unrecognized servable version label: new"),
    ],
)
def test_what_is_not_loaded_is_refused(servables, choice, code, message):
    """With the code and the text of TF-Serving."""
    with pytest.raises(StatusError) as caught, servables.acquire(spec(**choice)):
        pass
    assert (caught.value.code, caught.value.message) == (code, message)


def test_a_version_that_is_withdrawn_is_found_no_more(servables):
    """The next one answers, and what was withdrawn twice stays so."""
    servables.withdraw("m", 10)
    servables.withdraw("m", 10)
    assert servables.available_versions() == {"m": [2]}
    with servables.acquire(spec()) as servable:
        assert servable.version == 2
    servables.withdraw("m", 2)
    assert servables.available_versions() == {}
