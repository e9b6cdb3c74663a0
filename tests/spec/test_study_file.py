"""A study as a file: what is right is read, what is wrong is one sentence with the line."""

from __future__ import annotations

import re
import tempfile
import tomllib
from pathlib import Path

import pytest
import tomli_w
from hypothesis import example, given, settings
from hypothesis import strategies as st

from penultimate.cli.init import TEMPLATE
from penultimate.errors import SpecError
from penultimate.spec import (
    Backbone,
    FineTune,
    FromScratch,
    LinearProbe,
    Study,
    Task,
    dump_study,
    load_study,
    rooted,
)

GOOD = """\
name = "birds"
seeds = [0, 1]
tasks = ["digits", "folder:photos"]
methods = ["linear-probe"]

[[backbones]]
name = "resnet50"

[[backbones]]
name = "resnet18"
image_size = 256
geometry = "shorter-side-crop"
"""


@pytest.fixture
def write(tmp_path):
    def write(text: str) -> Path:
        path = tmp_path / "study.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def is_one_sentence(text: str) -> bool:
    return len(text.splitlines()) == 1 and not re.search(r"[.?!] [A-Z]", text)


class TestReading:
    def test_gives_what_the_file_says(self, write, tmp_path):
        study = load_study(write(GOOD))
        assert study == Study(
            name="birds",
            seeds=(0, 1),
            tasks=("digits", f"folder:{tmp_path}/photos"),
            backbones=(
                "resnet50",
                Backbone(name="resnet18", image_size=256, geometry="shorter-side-crop"),
            ),
        )

    @pytest.mark.parametrize(
        ("text", "line", "said"),
        [
            (
                'backbone = ["a"]\ntasks = ["digits"]',
                1,
                "no key 'backbone'; did you mean 'backbones'",
            ),
            (GOOD.replace("seeds", "seed"), 2, "no key 'seed'; did you mean 'seeds'"),
            (GOOD.replace("image_size", "imagesize"), 11, "did you mean 'image_size'"),
            (GOOD.replace("image_size", "size"), 11, "no key 'size': there are name, "),
            (GOOD.replace("name", "Name", 1), 1, "no key 'Name'; did you mean 'name'"),
            (GOOD.replace("shorter-side-crop", "shorter-crop"), 12, "'shorter-side-crop'?"),
            (GOOD.replace("256", '"big"'), 11, "image_size of backbones, item 2, is 'big' and"),
            (GOOD.replace("256", "0"), 11, "is 0 and should be greater than or equal to 1"),
            (GOOD.replace("[0, 1]", "[0, 0]"), 2, "seeds has '0' more than once"),
            (GOOD.replace("[0, 1]", "[0, -1]"), 2, "item 2 of seeds is -1 and should be"),
            (GOOD.replace("linear-probe", "linear-prob"), 4, "did you mean 'linear-probe'"),
            (GOOD.replace('name = "resnet18"\n', ""), 9, "name of backbones, item 2, is missing"),
            ('tasks = ["digits"]', None, "backbones is missing"),
            ('backbones = ["a"]\ntasks = [3]', 2, "item 1 of tasks is 3 and should be a name"),
            ('backbones = ["a"]\ntasks = []', 2, "tasks is empty"),
            ('backbones = [\n  "a",\n  "",\n]\ntasks = ["s"]', 3, "must not be empty"),
            ('backbones = [\n  "a",\n  {name = "b", size = 3},\n]\ntasks = ["s"]', 3, "'size'"),
            ('backbones = ["a", "b", "a"]\ntasks = ["s"]', 1, "'a' more than once"),
            (
                'backbones = ["a"]\n[[tasks]]\nsource = "s"\nfractions = [0.5, 0.5, 0.5]',
                2,
                "sum to 1",
            ),
            ('name = "a"\nname = "b"\n', 2, "not valid TOML"),
            ("backbones = [", None, "not valid TOML"),
        ],
    )
    def test_answers_a_mistake_with_the_line_and_what_is_right(self, write, text, line, said):
        path = write(text)
        with pytest.raises(SpecError) as caught:
            load_study(path)
        message = str(caught.value)
        assert said in message
        assert message.startswith(str(path))
        assert is_one_sentence(message)
        if line is not None:
            assert re.search(rf"line {line}\b", message)

    def test_of_a_file_that_is_not_there_names_init(self, tmp_path):
        with pytest.raises(SpecError, match=r"there is no study file .*'penultimate init "):
            load_study(tmp_path / "none.toml")

    def test_of_a_folder_is_one_sentence(self, tmp_path):
        with pytest.raises(SpecError, match="cannot be read"):
            load_study(tmp_path)

    def test_of_a_file_that_is_no_text_is_one_sentence(self, tmp_path):
        (tmp_path / "study.toml").write_bytes(b"\xff\xfe\x00")
        with pytest.raises(SpecError, match="not UTF-8"):
            load_study(tmp_path / "study.toml")

    @settings(deadline=None)
    @given(st.text())
    @example("a = " + "[" * 5000)
    def test_of_any_text_gives_a_study_or_one_sentence(self, text):
        holds_for(text)

    @settings(deadline=None, max_examples=300)
    @given(st.data())
    def test_of_a_file_with_a_slip_gives_a_study_or_one_sentence(self, data):
        """A span of a good file is dropped, doubled or replaced."""
        start = data.draw(st.integers(0, len(GOOD)))
        end = data.draw(st.integers(start, min(len(GOOD), start + 20)))
        piece = data.draw(
            st.sampled_from(["", GOOD[start:end] * 2, "=", '"', "[", "]", "3", "nan", "-1", "\n"])
            | st.text(max_size=5)
        )
        holds_for(GOOD[:start] + piece + GOOD[end:])

    @settings(deadline=None, max_examples=300)
    @given(st.data())
    def test_of_any_values_under_the_right_keys_gives_a_study_or_one_sentence(self, data):
        scalars = (
            st.integers()
            | st.floats()
            | st.booleans()
            | st.dates()
            | st.text(max_size=8)
            | st.sampled_from(["~nobody/x", "features:~nobody", "x@" + "y" * 400, "folder:\0"])
        )
        keys = st.sampled_from(
            [*Study.model_fields, *Backbone.model_fields, *Task.model_fields, "colour", "Name"]
        )
        values = st.recursive(
            scalars,
            lambda v: st.lists(v, max_size=3) | st.dictionaries(keys, v, max_size=3),
            max_leaves=6,
        )
        record = {"backbones": ["a"], "tasks": ["digits"]}
        record |= data.draw(st.dictionaries(keys, values, max_size=4))
        holds_for(tomli_w.dumps(record))


def holds_for(text: str) -> None:
    """``load_study`` of this text gives a Study or a SpecError of one sentence."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "study.toml"
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        try:
            study = load_study(path)
        except SpecError as error:
            assert is_one_sentence(str(error).removeprefix(str(path))), str(error)
        else:
            assert isinstance(study, Study)


names = st.text(min_size=1, max_size=12)
backbones = st.builds(
    Backbone,
    name=names.filter(lambda n: "@" not in n and ":" not in n),
    geometry=st.sampled_from(["whole", "shorter-side-crop"]),
    image_size=st.none() | st.integers(1, 1000),
    imagenet_top1=st.none() | st.floats(0.01, 0.99),
    label=st.none() | names,
)
tasks = st.builds(
    Task,
    source=st.sampled_from(["digits", "glyphs", "folder:/a b/'c'", 'csv:/x/"y".csv']) | names,
    name=st.none() | names,
    measure=st.sampled_from([None, "top-1", "mean-per-class"]),
    keep_together=st.booleans(),
    splits=st.none() | names,
    allow_missing=st.booleans(),
)
presets = st.sampled_from(["quick", "paper"])
methods = st.one_of(
    st.builds(
        LinearProbe,
        l2_min=st.floats(1e-9, 1.0),
        l2_max=st.floats(1.0, 1e9),
        l2_points=st.integers(2, 99),
    ),
    st.builds(FineTune.preset, presets, batch_size=st.none() | st.integers(1, 512)),
    st.builds(FromScratch.preset, presets, flip=st.booleans()),
)
studies = st.builds(
    Study,
    backbones=st.lists(backbones, min_size=1, max_size=3, unique_by=lambda b: b.display),
    tasks=st.lists(tasks, min_size=1, max_size=3, unique_by=lambda t: t.display),
    methods=st.lists(methods, min_size=1, max_size=1),
    seeds=st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=3, unique=True),
    name=st.text(max_size=8),
)


class TestWriting:
    @settings(deadline=None)
    @given(studies)
    def test_and_reading_gives_the_same_study(self, tmp_path_factory, study):
        study = rooted(study, Path("/"))
        path = tmp_path_factory.mktemp("study") / "study.toml"
        path.write_text(dump_study(study), encoding="utf-8")
        read = load_study(path)
        assert read.digest() == study.digest()
        assert list(read.runs()) == list(study.runs())
        assert read.name == study.name

    def test_holds_only_what_was_set(self):
        text = dump_study(Study(backbones=["a"], tasks=["digits"]))
        assert tomllib.loads(text) == {
            "backbones": [{"name": "a"}],
            "tasks": [{"source": "digits"}],
            "methods": [{"name": "linear-probe"}],
        }

    def test_of_a_network_of_the_users_own_is_none(self):
        backbone = Backbone.from_module(object(), lambda image: image, "mine")
        assert dump_study(Study(backbones=[backbone], tasks=["digits"])) is None

    def test_of_a_path_that_is_no_text_is_none(self):
        study = Study(backbones=["a"], tasks=["folder:/caf\udce9"])
        assert dump_study(study) is None
        assert Study.model_validate(study.model_dump(mode="json")) == study


class TestRootedPaths:
    def test_are_seen_from_the_studys_folder_and_called_as_written(self, tmp_path):
        (tmp_path / "weights.pth").write_bytes(b"")
        study = rooted(
            Study(
                backbones=["a@weights.pth", "a@random", "features:out", "resnet50", "a@none.pth"],
                tasks=["folder:photos", "csv:../b.csv", "features:out", "digits"],
            ),
            tmp_path,
        )
        assert [b.name for b in study.backbones] == [
            f"a@{tmp_path}/weights.pth",
            "a@random",
            f"features:{tmp_path}/out",
            "resnet50",
            "a@none.pth",
        ]
        assert [b.display for b in study.backbones][:3] == [
            "a@weights.pth",
            "a@random",
            "features:out",
        ]
        assert [t.source for t in study.tasks] == [
            f"folder:{tmp_path}/photos",
            f"csv:{tmp_path}/../b.csv",
            f"features:{tmp_path}/out",
            "digits",
        ]

    @pytest.mark.parametrize(
        ("source", "seen"),
        [
            ("food101:data", "food101:{}/data"),
            ("food101", "food101"),
            ("torchvision:CIFAR10:data", "torchvision:CIFAR10:{}/data"),
            ("torchvision:CIFAR10", "torchvision:CIFAR10"),
            ("wds:shards/train-{{0..3}}.tar", "wds:{}/shards/train-{{0..3}}.tar"),
            ("hf:saved", "hf:{}/saved"),
            ("hf:saved?label=fine", "hf:{}/saved?label=fine"),
            ("hf:uoft-cs/cifar10", "hf:uoft-cs/cifar10"),
        ],
    )
    def test_of_every_kind_of_source_are_seen_from_there(self, tmp_path, source, seen):
        (tmp_path / "saved").mkdir()
        study = Study(backbones=["a"], tasks=[{"source": source.format(), "splits": "s.csv"}])
        task = rooted(study, tmp_path).tasks[0]
        assert task.source == seen.format(tmp_path)
        assert task.splits == f"{tmp_path}/s.csv"

    def test_that_are_absolute_stay(self, tmp_path):
        study = Study(backbones=["a"], tasks=["folder:/data/photos"])
        assert rooted(study, tmp_path) == study

    def test_may_begin_at_home(self, tmp_path, monkeypatch):
        monkeypatch.setenv("HOME", "/home/somebody")
        study = rooted(Study(backbones=["a"], tasks=["folder:~/photos"]), tmp_path)
        assert study.tasks[0].source == "folder:/home/somebody/photos"

    def test_keep_a_network_of_the_users_own(self, tmp_path):
        backbone = Backbone.from_module(object(), lambda image: image, "mine")
        study = rooted(Study(backbones=[backbone], tasks=["digits"]), tmp_path)
        assert study.backbones[0].is_module

    @given(studies)
    def test_are_the_same_when_rooted_again_elsewhere(self, study):
        once = rooted(study, Path("/one"))
        assert rooted(once, Path("/other")) == once


class TestTheFileThatInitWrites:
    def test_is_a_study(self, write):
        study = load_study(write(TEMPLATE.format(name="study.toml")))
        assert [b.name for b in study.backbones] == [
            "tf_efficientnet_lite0@package",
            "tf_efficientnet_lite0@random",
        ]

    def test_has_valid_items_behind_the_comment_signs(self, write):
        text = re.sub(r'^    # (")', r"    \1", TEMPLATE, flags=re.M)
        assert text != TEMPLATE
        study = load_study(write(text.format(name="study.toml")))
        assert len(study.backbones) == 5
        assert len(study.tasks) == 4

    def test_has_valid_tables_behind_the_comment_signs(self, write):
        """Tables stand in place of the lists above them, as the file says."""
        tables = TEMPLATE[TEMPLATE.index("# [[backbones]]") :]
        study = load_study(write(re.sub(r"^# ?", "", tables, flags=re.M)))
        assert study.backbones[0].geometry == "shorter-side-crop"
        assert study.tasks[0].measure == "mean-per-class"
        assert study.methods == (LinearProbe(), FineTune(learning_rates=(0.01, 0.03)))

    def test_has_the_defaults_where_it_says_so(self, write):
        tables = TEMPLATE[TEMPLATE.index("# [[backbones]]") :]
        study = load_study(write(re.sub(r"^# ?", "", tables, flags=re.M)))
        assert study.tasks[0].fractions == Task(source="x").fractions
