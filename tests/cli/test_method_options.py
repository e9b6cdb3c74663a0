"""--method, --preset and --set: what they ask for, and what is said to a mistake in them."""

from __future__ import annotations

import pytest

from penultimate.cli.methods import methods_of
from penultimate.cli.run import study_of
from penultimate.cli.size import bytes_of
from penultimate.errors import SpecError
from penultimate.spec import FineTune, FromScratch, LinearProbe, dump_study, load_study

ALL = ("linear-probe", "fine-tune", "from-scratch")


def test_nothing_asked_for_is_left_to_the_study():
    assert methods_of((), None, ()) is None
    study = study_of(data=("digits",), backbone=("test_vit@random",))
    assert study.methods == (LinearProbe(),)


def test_a_preset_is_for_the_methods_that_have_one():
    assert methods_of(ALL, "paper", ()) == (
        LinearProbe(),
        FineTune.preset("paper"),
        FromScratch.preset("paper"),
    )
    assert methods_of(("fine-tune",), "quick", ()) == (FineTune(),)


def test_a_setting_is_for_every_method_that_has_it_or_for_the_one_it_names():
    asked = methods_of(
        ALL, None, ("steps=40", "from-scratch.batch_size=8", "l2_points=3", "l2_min=0.5")
    )
    assert asked == (
        LinearProbe(l2_points=3, l2_min=0.5),
        FineTune(steps=40),
        FromScratch(steps=40, batch_size=8),
    )


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("learning_rates=0.01,1e-1", (0.01, 0.1)),
        ("learning_rates=[0.01, 0.1]", (0.01, 0.1)),
        ("learning_rates=0.01", (0.01,)),
        ("crop_scale=0.5,1", (0.5, 1.0)),
        ("steps = 20", 20),
        ("steps=none", None),
        ("flip=false", False),
        ("divide_weight_decay=no", False),
        ("search=grid", "grid"),
        ("momentum=0", 0.0),
    ],
)
def test_a_value_is_of_its_field_s_type(setting, value):
    (made,) = methods_of(("fine-tune",), None, (setting,))
    found = getattr(made, setting.partition("=")[0].strip())
    assert found == value
    assert type(found) is type(value)


def test_a_setting_goes_before_its_preset():
    (made,) = methods_of(("fine-tune",), "paper", ("steps=100",))
    assert made == FineTune.preset("paper", steps=100)
    assert made.batch_size == 256


def test_what_was_asked_for_survives_the_study_file(tmp_path):
    study = study_of(
        data=("digits",),
        backbone=("test_vit@random",),
        method=ALL,
        preset="paper",
        settings=("steps=30", "fine-tune.learning_rates=0.1,0.2"),
    )
    (tmp_path / "study.toml").write_text(dump_study(study))
    again = load_study(tmp_path / "study.toml")
    assert again.methods == study.methods
    assert again.methods[1].learning_rates == (0.1, 0.2)


@pytest.mark.parametrize(
    ("method", "preset", "settings", "said"),
    [
        (("fine-tun",), None, (), ["no method 'fine-tun'", "did you mean 'fine-tune'"]),
        ((), "paper", (), ["--preset paper", "--method fine-tune"]),
        (("linear-probe",), "quick", (), ["--preset quick", "--method fine-tune"]),
        (("fine-tune",), None, ("step=3",), ["no 'step'", "did you mean 'steps'"]),
        (("fine-tune",), None, ("zzz=3",), ["fine-tune has no 'zzz'", "learning_rates, weight_d"]),
        (("fine-tune",), None, ("l2_min=3",), ["fine-tune has no 'l2_min'"]),
        (("fine-tune",), None, ("name=x",), ["fine-tune has no 'name'"]),
        (("fine-tune",), None, ("steps",), ["--set steps is not NAME=VALUE"]),
        (("fine-tune",), None, ("=3",), ["--set =3 is not NAME=VALUE"]),
        (("fine-tune",), None, ("from-scratch.steps=3",), ["add --method from-scratch"]),
        (("fine-tune",), None, ("scratch.steps=3",), ["names no method", "from-scratch"]),
        (("fine-tune",), None, ("steps=3", "fine-tune.steps=4"), ["gives steps", "twice"]),
        (("fine-tune",), None, ("steps=many",), ["--set steps=many: 'many' should be a valid int"]),
        (("fine-tune",), None, ("steps=0",), ["--set steps=0: '0' should be greater"]),
        (("fine-tune",), None, ("search=rnd",), ["--set search=rnd: 'rnd' should be 'grid' or"]),
        (("fine-tune",), None, ("learning_rates=",), ["--set learning_rates="]),
        (("fine-tune",), None, ("learning_rates=1,-1",), ["learning rates must be positive"]),
        (("fine-tune",), None, ("learning_rates=1,x",), ["learning_rates=1,x: 'x' should be"]),
        (("fine-tune",), None, ("crop_scale=1",), ["--set crop_scale=1"]),
        (("linear-probe",), None, ("l2_min=1e9",), ["linear-probe: l2_min 1e+09 to"]),
    ],
    ids=str,
)
def test_a_mistake_is_answered_in_one_sentence(penultimate, place, method, preset, settings, said):
    arguments = ["run", "--data", "digits", "--backbone", "test_vit@random"]
    for option, values in (("--method", method), ("--set", settings)):
        for value in values:
            arguments += [option, value]
    arguments += ["--preset", preset] if preset else []
    sentence = penultimate(*arguments).sentence
    for words in said:
        assert words in sentence
    assert list(place.iterdir()) == []


def test_with_a_study_file_methods_are_written_into_it(penultimate, place):
    (place / "study.toml").write_text('backbones = ["x"]\ntasks = ["digits"]\n')
    for option in (("--set", "steps=3"), ("--preset", "quick"), ("--method", "fine-tune")):
        sentence = penultimate("run", "study.toml", *option).sentence
        assert f"a study file and {option[0]} cannot go together" in sentence


@pytest.mark.parametrize(
    ("text", "size"),
    [("20GB", 20 * 10**9), ("1.5g", 15 * 10**8), ("2GiB", 2**31), ("0", 0), ("700 MB", 7 * 10**8)],
)
def test_a_size_is_read_as_people_write_it(text, size):
    assert bytes_of(text, "--x") == size


@pytest.mark.parametrize("text", ["", "much", "-1GB", "1XB", "1,5GB", "GB"])
def test_what_is_no_size_is_told(text):
    with pytest.raises(SpecError, match=r"--pixel-cache-limit .*is no size: write it as 20GB"):
        bytes_of(text, "--pixel-cache-limit")
