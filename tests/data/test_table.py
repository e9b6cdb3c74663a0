"""Tables of path, label, split and group; what is wrong is named with its line."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from pictures import class_folders

from penultimate.data.table import list_table
from penultimate.errors import DataError


def table(folder: Path, text: str) -> Path:
    file = folder / "t.csv"
    file.write_text(text, encoding="utf-8")
    return file


def test_all_columns(tmp_path: Path) -> None:
    text = "label,path,split,group,note\ncat,a/1.jpg,Train,g,x\n dog ,./a//2.jpg,valid,,y\n"
    listing = list_table(table(tmp_path, text + "dog,3.jpg,test,,\n"))
    assert [(e.id, e.label, e.part, e.group) for e in listing.entries] == [
        ("a/1.jpg", "cat", "train", "g"),
        ("a/2.jpg", "dog", "val", ""),
        ("3.jpg", "dog", "test", ""),
    ]
    assert listing.entries[0].path == tmp_path / "a" / "1.jpg"
    assert listing.split_source == "column split"
    assert listing.notices == ("columns ignored: 'note'",)


def test_absolute_paths_below_the_table_have_relative_names(tmp_path: Path) -> None:
    listing = list_table(table(tmp_path, f"path,label\n{tmp_path}/a.jpg,x\n/else/b.jpg,y\n"))
    assert [e.id for e in listing.entries] == ["a.jpg", "/else/b.jpg"]
    assert listing.entries[0].path == tmp_path / "a.jpg"


def test_labels_are_text_even_where_they_look_like_something_else(tmp_path: Path) -> None:
    listing = list_table(table(tmp_path, "path,label\na,NA\nb,007\nc,1.0\nd,None\n"))
    assert [e.label for e in listing.entries] == ["NA", "007", "1.0", "None"]


def test_quotes_commas_and_line_ends_in_names(tmp_path: Path) -> None:
    text = '\ufeffpath,label\r\n"a,b.jpg",x\r\n"line\nbreak.jpg","say ""hi"""\r\n\r\n猫.jpg,y\r\n'
    listing = list_table(table(tmp_path, text))
    assert [e.id for e in listing.entries] == ["a,b.jpg", "line\nbreak.jpg", "猫.jpg"]
    assert listing.entries[1].label == 'say "hi"'


def test_an_empty_split_column_is_none(tmp_path: Path) -> None:
    assert list_table(table(tmp_path, "path,label,split\na,x,\nb,y,\n")).split_source == ""


def test_parquet_equals_csv(tmp_path: Path) -> None:
    rows = {"path": ["1.jpg", "2.jpg"], "label": [3, 4], "split": ["train", "test"]}
    pd.DataFrame(rows).to_parquet(tmp_path / "t.parquet")
    pd.DataFrame(rows).to_csv(tmp_path / "t.csv", index=False)
    one, other = list_table(tmp_path / "t.parquet"), list_table(tmp_path / "t.csv")
    assert one == other


def test_parquet_with_a_missing_label_names_the_row(tmp_path: Path) -> None:
    pd.DataFrame({"path": ["1.jpg", "2.jpg"], "label": ["a", None]}).to_parquet(
        tmp_path / "t.parquet"
    )
    with pytest.raises(DataError, match="line 2 has an empty label"):
        list_table(tmp_path / "t.parquet")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,label\na,x\n", "no column 'path', only 'file', 'label'"),
        ("path,lable\na,x\n", "no column 'label', only 'path', 'lable': rename 'lable'"),
        ("path;label\na;x\n", "separated by commas"),
        ("", "no column 'path', only none"),
        ("path,label\n", "no rows"),
        ("path,label\na,x\nb,\n", "line 3 has an empty label"),
        ("path,label\na,x\n,y\n", "line 3 has an empty path"),
        ('path,label\n"a\nb",x\nc, \n', "line 4 has an empty label"),
        ("path,label\na,x\nb,y\n./a,z\n", "twice, in lines 2 and 4"),
        ("path,label\na,x,y\n", "line 2 has 3 cells and the header 2"),
        ('path,label\n"a,x\n', "is not valid CSV"),
        (
            "path,label,split\na,x,trian\n",
            "line 2 has the unknown split 'trian'; did you mean 'train'",
        ),
        ("path,label,split\na,x,fold1\n", "should be train, val or test"),
        ("path,label,split\na,x,train\nb,y,\nc,y,test\n", "line 3 has no split"),
        ("path,label,split\na,x,train\nb,y,val\n", "has no 'test'"),
        ("path,label,split\na,x,test\nb,y,test\n", "has no 'train'"),
    ],
)
def test_what_is_wrong_is_one_sentence(tmp_path: Path, text: str, message: str) -> None:
    file = table(tmp_path, text)
    with pytest.raises(DataError, match=message) as error:
        list_table(file)
    assert str(file) in str(error.value)
    assert "\n" not in str(error.value)


def test_files_that_are_no_table(tmp_path: Path) -> None:
    class_folders(tmp_path, {"a": 1})
    (tmp_path / "t.parquet").write_text("path,label\n")
    (tmp_path / "latin.csv").write_bytes("path,label\na,gr\xfcn\n".encode("latin-1"))
    for name, message in (
        ("gone.csv", "does not exist"),
        ("a", "write folder:"),
        ("t.parquet", "not a Parquet table"),
        ("latin.csv", "not UTF-8"),
    ):
        with pytest.raises(DataError, match=message):
            list_table(tmp_path / name)
