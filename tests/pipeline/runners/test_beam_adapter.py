"""Beam's private names are there; what it does again and again is done once, and the same."""

from __future__ import annotations

import functools
import gc
import inspect
import operator
import pickle
import weakref

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import (
    PipelineOptions,
    StandardOptions,
    TypeOptions,
    WorkerOptions,
)
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.runners.worker import sdk_worker_main
from apache_beam.transforms import core

from pipeline.engine_choice import choose_engine
from pipeline.resolution import beam_arguments_for
from pipeline.runners import beam_adapter
from tests.canary import canary


class Keeping(FnApiRunner):
    """Keeps the pipeline that it is given, and runs nothing."""

    def run_via_runner_api(self, pipeline_proto, options):
        """Beam calls it with what is to be run."""
        self.kept = pipeline_proto


def test_the_command_of_a_pipelines_workers_is_replaced():
    """Beam's own is of the module that we start by a command of ours."""
    with canary(beam_adapter.LIBRARY, beam_adapter.__name__):
        arguments = beam_arguments_for(choose_engine("local", workers="1"), "multi_processing")
        options = PipelineOptions(list(arguments))
        pipeline = beam.Pipeline(runner=(runner := Keeping()), options=options)
        _ = pipeline | beam.Create([1]) | beam.Map(str)
        runner.run_pipeline(pipeline, options)
        environments = runner.kept.components.environments
        before = {each.payload for each in environments.values()}
        assert any(b"sdk_worker_main" in payload for payload in before)
        beam_adapter.replace_worker_command(runner.kept, "exec of ours")
        after = {each.payload for each in environments.values()}
        assert b"exec of ours" in after
        assert not any(b"sdk_worker_main" in payload for payload in after)


def test_a_worker_is_beams_own(monkeypatch):
    """It is given the command line."""
    with canary(beam_adapter.LIBRARY, beam_adapter.__name__):
        given = []
        assert callable(sdk_worker_main.main)
        monkeypatch.setattr(sdk_worker_main, "main", given.append)
        beam_adapter.work(["worker", "--id=1"])
        assert given == [["worker", "--id=1"]]


@pytest.fixture
def asked(monkeypatch):
    """The callables that Beam's own function is asked about, once arguments are read directly."""
    asked = []

    def ask(function):
        asked.append(function)
        return [], []

    monkeypatch.setattr(core, "get_function_args_defaults", ask)
    beam_adapter.read_arguments_directly()
    beam_adapter.read_arguments_directly()
    return asked


def test_beam_asks_for_arguments_by_the_name_that_is_replaced(asked):
    """A DoFn's methods are read directly, also those of a function; others go to Beam's own."""
    with canary(beam_adapter.LIBRARY, beam_adapter.__name__):
        assert beam.Map(divmod).dofn.get_function_arguments("process") == ([], [])
        assert set(asked) == {divmod}

    class _Add(beam.DoFn):
        def process(self, element, other=2, *, window=beam.DoFn.WindowParam):
            yield element + other

    with canary(beam_adapter.LIBRARY, beam_adapter.__name__):
        assert _Add().get_function_arguments("process") == (["element", "other"], [2])
        assert _Add().get_function_arguments("finish_bundle") == ([], [])
        assert set(asked) == {divmod}


class _Methods:
    """_Methods of all kinds."""

    def plain(self, a, b=[1]):  # noqa: B006 - the same object must come back
        return lambda: a

    def positional(self, a, /, b=2, *more, c, d=4, **others):
        pass

    def defaults(self=1, a=2):
        pass

    def rest(*arguments, last=1):
        pass

    @classmethod
    def of_class(cls, a=None):
        pass

    @staticmethod
    def of_none(a, b=len):
        pass

    @functools.wraps(plain)
    def wrapped(self, *arguments, **keywords):
        pass

    def __call__(self, a, b=3):
        pass

    partial = functools.partialmethod(plain, b=5)


def told():
    """Tells of another signature."""


told.__signature__ = inspect.signature(_Methods.plain)
names = [name for name, value in vars(_Methods).items() if not name.startswith("__")]
callables = [getattr(owner, name) for owner in (_Methods, _Methods()) for name in names]
callables += [told, _Methods, _Methods(), lambda x, y=1: x, str.strip, len, divmod]
callables += [operator.itemgetter(1), functools.partial(divmod, 2), functools.partial(told, 3)]
callables += [getattr(beam.DoFn(), name) for name in ("process", "setup", "start_bundle")]


def _name_of(function: object) -> str:
    """The same in each process: the text of a function holds its address."""
    return getattr(function, "__qualname__", type(function).__name__)


@pytest.mark.parametrize("function", callables, ids=_name_of)
def test_arguments_are_those_that_beam_finds(function):
    """Names and defaults of each kind of callable: equal, and the defaults the same objects."""
    own = core.get_function_args_defaults
    if isinstance(own, functools.partial):
        (own,) = own.args
    names, defaults = own(function)
    found, values = beam_adapter.arguments_and_defaults(own, function)
    assert found == names
    assert list(map(id, values)) == list(map(id, defaults))


def test_the_lists_of_arguments_are_the_callers():
    """Who changes them changes no later answer."""
    for _ in range(2):
        names, defaults = beam_adapter.arguments_and_defaults(None, _Methods().plain)
        assert (names, defaults) == (["a", "b"], [[1]])
        names.clear(), defaults.clear()


@pytest.fixture
def parsed(monkeypatch):
    """The classes whose flags are parsed, once views are kept."""
    parsed = []

    class Counting(PipelineOptions):
        """Tells of each time that its flags are parsed."""

        @classmethod
        def _add_argparse_args(cls, parser):
            parsed.append(cls)
            parser.add_argument("--counted", action="append", default=[])

    own = PipelineOptions.view_as
    monkeypatch.setattr(PipelineOptions, "view_as", getattr(own, "__wrapped__", own))
    beam_adapter.parse_options_once()
    beam_adapter.parse_options_once()
    yield Counting, parsed
    # Beam walks through all classes of options that there are.
    del Counting._add_argparse_args


def test_flags_are_parsed_once_for_each_object_of_options(parsed):
    """Another object has flags, and values, of its own."""
    kind, times = parsed
    with canary(beam_adapter.LIBRARY, beam_adapter.__name__):
        one, other = PipelineOptions(["--counted=a"]), PipelineOptions(["--counted=b"])
        for options, values in ((one, ["a"]), (other, ["b"]), (one, ["a"])):
            assert options.view_as(kind).counted == values
            assert options.view_as(TypeOptions).view_as(kind).counted == values
        assert len(times) == 4  # each object, and its view


def test_views_share_values_that_are_set_later():
    """A value that is set in one view is seen in all, and in none of another object."""
    beam_adapter.parse_options_once()
    options, other = PipelineOptions(["--runner=FnApiRunner"]), PipelineOptions([])
    options.view_as(StandardOptions).runner = "Other"
    options.view_as(WorkerOptions).num_workers = 3
    assert options.view_as(TypeOptions).view_as(StandardOptions).runner == "Other"
    assert options.get_all_options(drop_default=True) == {"runner": "Other", "num_workers": 3}
    assert other.view_as(StandardOptions).runner is None
    assert other.view_as(WorkerOptions).num_workers is None


def test_options_that_nobody_holds_are_forgotten():
    """Nor are they, or their views, when they are copied or pickled: the copy has its own."""
    beam_adapter.parse_options_once()
    options = PipelineOptions(["--runner=FnApiRunner"])
    options.view_as(StandardOptions).runner = "Other"
    copy = pickle.loads(pickle.dumps(options))
    copy.view_as(StandardOptions).runner = "Third"
    assert options.view_as(StandardOptions).runner == "Other"
    gone = weakref.ref(options)
    del options
    gc.collect()
    assert gone() is None
