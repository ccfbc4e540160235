"""TFX's private names are there, and do what TFX's own steps and ours count on."""

from __future__ import annotations

import inspect

import ml_metadata as mlmd
import pytest
from ml_metadata.proto import metadata_store_pb2
from tfx.components.pusher.executor import Executor as PusherExecutor
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.orchestration import metadata
from tfx.orchestration.portable import cache_utils
from tfx.types import standard_artifacts

from components.tfx_base import tfx_adapter
from tests.canary import canary


@pytest.fixture(autouse=True)
def named():
    """Names TFX's version if a test fails."""
    return canary(tfx_adapter.LIBRARY, tfx_adapter.__name__)


class Executor(BaseBeamExecutor):
    """As ours are, derived from TFX's."""

    def Do(self, input_dict, output_dict, exec_properties):
        """Does nothing."""


def artifact(kind, folder):
    """Returns an artifact of a TFX type that lies in a folder."""
    made = kind()
    made.uri = str(folder)
    return made


@pytest.mark.parametrize("is_blessed", [True, False])
def test_an_infra_blessing_is_read_by_tfxs_pusher(named, tmp_path, is_blessed):
    """TFX's Pusher pushes what is blessed, and nothing else."""
    blessing = artifact(standard_artifacts.InfraBlessing, tmp_path)
    with named:
        tfx_adapter.mark_infra_blessing(blessing, is_blessed=is_blessed)
        assert PusherExecutor().CheckBlessing({"infra_blessing": [blessing]}) == is_blessed
        assert [file.name for file in tmp_path.iterdir()] == [
            "INFRA_BLESSED" if is_blessed else "INFRA_NOT_BLESSED"
        ]


def test_a_push_is_written_into_the_artifact(named, tmp_path):
    """By the names under which metadata are searched for it."""
    with named:
        pushed, kept = (artifact(standard_artifacts.PushedModel, tmp_path) for _ in range(2))
        tfx_adapter.mark_pushed(PusherExecutor(), pushed, "serving_model/films/12", "12")
        tfx_adapter.mark_not_pushed(PusherExecutor(), kept)
        assert pushed.get_int_custom_property("pushed") == 1
        destination = pushed.get_string_custom_property("pushed_destination")
        assert destination == "serving_model/films/12"
        assert pushed.get_string_custom_property("pushed_version") == "12"
        assert kept.get_int_custom_property("pushed") == 0


def test_tfx_still_logs_these_messages(named):
    """The templates that we listen to are in the installed TFX's own source."""
    with named:
        from tfx.orchestration.local import local_dag_runner
        from tfx.orchestration.portable import launcher

        sources = "".join(map(inspect.getsource, (local_dag_runner, launcher)))
        for template in (
            "Component %s is running.",
            "Component %s is finished.",
            "A cached execution %d is used.",
        ):
            assert template in sources
        assert {tfx_adapter.STEP_STARTED, tfx_adapter.STEP_FINISHED, tfx_adapter.STEP_CACHED} == {
            "Component %s is running.",
            "Component %s is finished.",
            "A cached execution %d is used.",
        }


def test_an_executor_has_a_folder_of_its_own_and_its_pipelines_arguments(named, tmp_path):
    """What TFX offers to executors that are derived from its own, and ours call."""
    with named:
        executor = Executor(
            Executor.Context(
                # Without the image's name, TFX packs itself first, which takes seconds.
                beam_pipeline_args=["--runner=FnApiRunner", "--sdk_container_image=none"],
                tmp_dir=str(tmp_path),
                unique_id="7",
            )
        )
        assert executor._get_tmp_dir().startswith(str(tmp_path))
        options = executor._make_beam_pipeline()._options.get_all_options()
        assert options["runner"] == "FnApiRunner"


@pytest.fixture
def cached_push(tmp_path):
    """What the cache knows of a push whose artifact lies in a folder: handle and key."""
    connection = metadata_store_pb2.ConnectionConfig()
    connection.fake_database.SetInParent()
    store = mlmd.MetadataStore(connection)
    kind = store.put_artifact_type(metadata_store_pb2.ArtifactType(name="PushedModel"))
    step = store.put_execution_type(metadata_store_pb2.ExecutionType(name="Pusher"))
    key = store.put_context_type(metadata_store_pb2.ContextType(name="execution_cache"))
    made = metadata_store_pb2.Artifact(
        type_id=kind, uri=str(tmp_path), state=metadata_store_pb2.Artifact.LIVE
    )
    event = metadata_store_pb2.Event(type=metadata_store_pb2.Event.OUTPUT)
    event.path.steps.add().key = "pushed_model"
    event.path.steps.add().index = 0
    done = metadata_store_pb2.Execution(
        type_id=step, last_known_state=metadata_store_pb2.Execution.COMPLETE
    )
    context = metadata_store_pb2.Context(type_id=key, name="key")
    _, _, (context.id,) = store.put_execution(done, [(made, event)], [context])
    handle = metadata.Metadata(connection)
    handle._store = store
    return handle, context


def test_the_cache_passes_over_what_is_not_right(named, cached_push, tmp_path):
    """Asked of each output; afterwards the cache is as it was."""
    asked = []

    def is_right(artifact):
        asked.append((artifact.type_name, artifact.uri))
        return len(asked) == 1

    with named:
        with tfx_adapter.cache_checked_by(is_right):
            assert list(cache_utils.get_cached_outputs(*cached_push)) == ["pushed_model"]
            assert cache_utils.get_cached_outputs(*cached_push) is None
        assert asked == [("PushedModel", str(tmp_path))] * 2
        assert list(cache_utils.get_cached_outputs(*cached_push)) == ["pushed_model"]
