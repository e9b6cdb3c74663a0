"""Write docs/tasks/ from the catalogue of data sets: ``make docs``."""

from __future__ import annotations

import sys
from pathlib import Path

from penultimate.data import OFFICIAL, TASKS
from penultimate.data.catalogue import KINDS
from penultimate.data.official import Official
from penultimate.data.official.describe import can_be_fetched

FOLDER = Path(__file__).with_name("tasks")
MADE = "Generated from the catalogue by `make docs`; do not edit.\n"

INDEX = f"""\
# The data sets

{MADE}
A task is named in a study file or with `--data`. `penultimate list tasks` shows all,
`penultimate tasks show NAME` tells what is missing of one on this disk.

## Published data sets

The twelve of the paper and ImageNet, each read from its official layout: as `NAME`, which looks in
`$PENULTIMATE_DATA` (`~/.cache/penultimate/data` where that is not set), or as `NAME:DIR`, where DIR
is the data set's own folder or the one that holds it. Nothing is fetched unless you ask for it:
`penultimate tasks download NAME`.

| name | data set | classes | train | validation | test | measure | can be fetched |
|---|---|---|---|---|---|---|---|
"""

BUILT_IN = """
Where there is no validation part, 20 % of train is held out: stratified, seeded, the same whatever
the order of the directories. `penultimate splits NAME -o FILE` writes which image is in which part,
and `--splits FILE` takes it back.

## Built in

| name | images | classes | what | needs |
|---|---|---|---|---|
"""

SOURCES = """
## Any other images

| source | what it is |
|---|---|
"""

MORE = """
- **`hf:`** reads what `save_to_disk` wrote, folders of Parquet or Arrow files, image folders, and
  data sets of the hub in these formats; code and pickles are never run. The image column and the
  label column are found by their types; where there are several,
  `hf:uoft-cs/cifar100?label=fine_label` says which (`image=` likewise). Needs
  `pip install 'penultimate[hf]'`.
- **`torchvision:`** takes classes whose items are an image and a label, with a `split` or a `train`
  argument, or without a split at all; DIR is what the class takes as its root.
- **`wds:`** takes tar files with an image and a label (`.cls`, `.txt` or `.json`) a sample. Their
  names or folders say `train`, `val` or `test`, or nothing, and then we divide them. Braces and
  wildcards narrow them down: `wds:shards/train-{000..099}.tar`. Nothing needs to be installed.
- Where a source has training and validation images but no test images, its validation images are
  the test part, validation is held out of train, and a notice says so.
"""


def pages() -> dict[str, str]:
    """The content of each page by its file's name."""
    return {"README.md": index()} | {f"{name}.md": page(card) for name, card in OFFICIAL.items()}


def index() -> str:
    """The page of all data sets."""
    published = [
        f"| [`{card.name}`]({card.name}.md) | {card.title} | {card.classes:,} | {card.train:,} | "
        f"{_validation(card)} | {card.test:,} | {card.measure} | "
        f"{'yes' if can_be_fetched(card) else 'no'} |"
        for card in OFFICIAL.values()
    ]
    built_in = [
        f"| `{name}` | {task.images:,} | {task.classes} | {task.description}; split: {task.split} "
        f"| {task.needs or 'nothing'} |"
        for name, task in TASKS.items()
    ]
    sources = [f"| `{name}` | {text} |" for name, text in KINDS.items()]
    parts = [INDEX, _lines(published), BUILT_IN, _lines(built_in), SOURCES, _lines(sources), MORE]
    return "".join(parts)


def page(card: Official) -> str:
    """The page of one data set."""
    sections = [
        f"# {card.title}\n\n{MADE}\n`{card.name}`, one of [the data sets](README.md).\n",
        _facts(card),
        f"## How to get it\n\n{_how_to_get(card)}",
        f"## On disk\n\n```text\n{card.layout.rstrip()}\n```\n",
    ]
    if card.pitfalls:
        sections.append("## Mind\n\n" + _lines([f"- {pitfall}" for pitfall in card.pitfalls]))
    return "\n".join(sections)


def _facts(card: Official) -> str:
    facts = {
        "classes": f"{card.classes:,}",
        "images": f"{card.train:,} train, {_validation(card)} validation, {card.test:,} test",
        "split": card.split,
        "measure": card.measure,
        "licence": card.licence,
        "described at": f"<{card.homepage}>",
    }
    rows = [f"| {name} | {text} |" for name, text in facts.items()]
    return "| | |\n|---|---|\n" + _lines(rows)


def _validation(card: Official) -> str:
    return f"{card.val:,}" if card.val else "held out"


def _how_to_get(card: Official) -> str:
    text = card.how_to_get[:1].upper() + card.how_to_get[1:].rstrip(".") + ".\n"
    if can_be_fetched(card):
        text += (
            f"\n`penultimate tasks download {card.name}` does it: it goes on where it was "
            "interrupted, compares with the checksum where one is published, and unpacks.\n"
        )
    elif card.archives:
        text += (
            f"\n`penultimate tasks download {card.name} --to DIR` unpacks those of these files "
            "that lie in DIR.\n"
        )
    if card.archives:
        rows = [
            f"| {f'[{a.file}]({a.url})' if a.url else a.file} | {f'`{a.md5}`' if a.md5 else '-'} |"
            for a in card.archives
        ]
        text += "\n| file | md5 |\n|---|---|\n" + _lines(rows)
    return text


def _lines(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    for old in FOLDER.glob("*.md"):
        if old.name not in pages():
            old.unlink()
    sys.stderr.write(f"wrote {FOLDER}\n")
