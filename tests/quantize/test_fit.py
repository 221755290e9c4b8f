"""`fit` never makes a model worse or different, and says what it did and what it left."""

import json
from contextlib import contextmanager

import pytest
from quantize_models import reference_model
from striped_models import assert_same_answers, wide_network

from tinysieve.ground.errors import GateMissed, InputError, MissingRequirement
from tinysieve.ground.progress import WHOLE
from tinysieve.pipeline.model_files import fitting
from tinysieve.pipeline.model_files.fitting import fit_file, fit_to_first, target_of
from tinysieve.quantize.passes.fit_model import Target, fit_model
from tinysieve.quantize.tflite.graph import read_graph
from tinysieve.quantize.tflm.arena_process import measure_arena

silent = lambda done, total: None  # noqa: E731


@pytest.fixture(scope="session")
def network() -> bytes:
    return wide_network()


def test_a_model_gets_under_a_limit_that_only_stripes_reach(network):
    pytest.importorskip("tflite_micro")
    roomy = fit_model(network, Target(ram_bytes=2**20), 0, silent)
    assert roomy.extra_macs == 0
    limit = roomy.after.arena.activations_bytes * 3 // 4 + roomy.after.arena.persistent_bytes
    tight = fit_model(network, Target(ram_bytes=limit, max_extra_macs=0.5), 0, silent)
    assert tight.met
    assert tight.after.arena == measure_arena(tight.model)
    assert tight.after.arena.total_bytes <= limit < roomy.after.arena.total_bytes
    assert tight.after.macs == read_graph(tight.model).macs
    assert_same_answers(network, tight.model)
    assert sum(one.file_bytes_gained for one in tight.passes) == len(network) - len(tight.model)
    assert tight.equality.inputs == 64
    assert tight.model == fit_model(network, Target(ram_bytes=limit, max_extra_macs=0.5), 0, silent).model


@pytest.mark.parametrize("name", ["wv_quality_mcunet-10fps_vww.tflite", "mlperftiny_vww_96_int8.tflite"])
def test_published_models_never_get_worse(name):
    pytest.importorskip("tflite_micro")
    model = reference_model(name)
    found = fit_model(model, Target(), 0, silent)  # which checks that the outputs are the same
    assert found.met
    assert found.after.file_bytes < found.before.file_bytes
    assert found.after.arena.total_bytes <= found.before.arena.total_bytes
    assert found.after.macs == found.before.macs
    assert json.loads(json.dumps(found.to_json()))["equality"]["checked_with"] == ["LiteRT reference kernels", "TFLM"]


def test_the_count_moves_within_the_search_and_ends_at_the_whole(network):
    """Five passes and the proof with two interpreters are ten of its values; the search for stripes has its own between them."""
    pytest.importorskip("tflite_micro")
    seen = [0]
    fit_model(network, Target(ram_bytes=1, max_extra_macs=0.5), 0, lambda done, total: seen.append(done))
    assert seen == sorted(seen)
    assert seen[-1] == WHOLE
    assert len(set(seen)) > 12


def test_the_count_never_falls_where_a_board_has_two_kernel_libraries(network, tmp_path, monkeypatch, capsys):
    """The second target is tried where the first is missed; it goes on at one half, where that one ended."""
    pytest.importorskip("tflite_micro")
    seen = [0]

    @contextmanager
    def shown(title, unit):
        yield lambda done, total: seen.append(done / total)

    monkeypatch.setattr(fitting, "progress", shown)
    (tmp_path / "in.tflite").write_bytes(network)
    targets = [Target(ram_bytes=1, kernels="esp-nn-esp32s3"), Target(ram_bytes=2)]
    with pytest.raises(GateMissed):
        fit_to_first(tmp_path / "in.tflite", tmp_path / "out.tflite", targets, 0, False, False, False, False)
    assert seen == sorted(seen)
    assert seen[-1] == 1
    assert 0.5 in seen


def test_without_tflm_the_passes_without_a_judge_still_run(network, monkeypatch, tmp_path, capsys):
    def missing():
        raise MissingRequirement("tflite-micro is not installed")

    for place in ("arena", "arena_process", "interpreter_child"):
        monkeypatch.setattr(f"tinysieve.quantize.tflm.{place}.tflm_runtime", missing)
    found = fit_model(network, Target(ram_bytes=1), 0, silent)
    assert found.ram_met is None
    assert not found.met
    assert not found.tflm_refuses
    assert "stripes and memory plan left out: tflite-micro is not installed" in found.left_alone
    assert found.equality.checked_with == ("LiteRT reference kernels",)
    assert found.after.file_bytes < found.before.file_bytes
    (tmp_path / "in.tflite").write_bytes(network)
    with pytest.raises(MissingRequirement, match="the arena was not measured"):
        fit_file(tmp_path / "in.tflite", tmp_path / "out.tflite", Target(), 0, False, False, False, False)
    printed = capsys.readouterr().out
    assert "computed, not measured" in printed
    assert f"{found.after.planned_bytes:,} B" in next(line for line in printed.splitlines() if "activations" in line)
    assert (tmp_path / "out.tflite").read_bytes() == found.model


def test_a_missed_target_is_an_error_and_the_best_is_written(network, tmp_path, capsys):
    pytest.importorskip("tflite_micro")
    (tmp_path / "in.tflite").write_bytes(network)
    with pytest.raises(GateMissed, match=r"arena .* B > 1,000 B under TFLM"):
        fit_file(tmp_path / "in.tflite", tmp_path / "out.tflite", target_of("1000B", "1MiB", "6%"), 0, False, False, False, True)
    printed = json.loads(capsys.readouterr().out)
    assert printed["met"] is False
    assert printed["after"]["arena"]["total_bytes"] <= printed["before"]["arena"]["total_bytes"]
    assert len((tmp_path / "out.tflite").read_bytes()) == printed["after"]["file_bytes"]


def test_nothing_is_overwritten_unasked(network, tmp_path):
    source, target = tmp_path / "in.tflite", tmp_path / "out.tflite"
    source.write_bytes(network)
    target.write_bytes(b"precious")
    with pytest.raises(InputError, match="exists"):
        fit_file(source, target, Target(), 0, False, False, False, False)
    with pytest.raises(InputError, match="exists"):
        fit_file(source, source, Target(), 0, False, False, True, False)
    with pytest.raises(InputError, match="is not a folder"):
        fit_file(source, tmp_path / "no" / "out.tflite", Target(), 0, False, False, False, False)
    assert target.read_bytes() == b"precious"
    assert source.read_bytes() == network


@pytest.mark.parametrize(("ram", "macs", "message"), [
    ("320 KB", "6%", "--ram '320 KB' is not a size"), ("-5", "6%", "is not a size"), ("1MiB", "six", "is not a share")])
def test_sizes_and_shares_are_checked(ram, macs, message):
    with pytest.raises(InputError, match=message):
        target_of(ram, "1MiB", macs)


def test_a_file_that_is_no_model_is_refused():
    with pytest.raises(InputError, match=r"not a \.tflite file"):
        fit_model(b"nothing", Target(), 0, silent)


def test_a_pass_that_does_not_understand_a_model_is_left_out(network, monkeypatch):
    def lost(model):
        raise IndexError("no such input")

    monkeypatch.setattr("tinysieve.quantize.passes.fit_model.fold_padding", lost)
    monkeypatch.setattr("tinysieve.quantize.passes.fit_model.measure_arena", unmeasured)
    found = fit_model(network, Target(), 0, silent)
    assert "padding left out: the model is built in a way that is not understood (no such input)" in found.left_alone
    assert "squeeze" in [one.name for one in found.passes]


def unmeasured(model):
    raise MissingRequirement("not measured here")
