"""The bench on many rows: what it may touch, that its rows are whole, and the picture that it draws."""

from pathlib import Path
from xml.etree import ElementTree

import pytest
from django.apps import apps

from bench import scale_data, scale_plot, scale_rows


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(scale_data, "FOLDER", tmp_path / "data")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "of somebody").touch()
    return tmp_path / "data"


def test_a_folder_that_it_did_not_make_is_left_alone(folder: Path) -> None:
    with pytest.raises(SystemExit, match="left alone"):
        scale_data.main(["drop"])
    with pytest.raises(SystemExit, match="left alone"), scale_data.cluster():
        pass
    assert [path.name for path in folder.iterdir()] == ["of somebody"]


def test_its_own_folder_is_dropped(folder: Path) -> None:
    (folder / scale_data.MARK).touch()
    assert scale_data.main(["drop"]) == 0
    assert not folder.exists()


@pytest.mark.parametrize("table", scale_rows.TABLES)
def test_every_column_is_written(table: str) -> None:
    (model,) = [model for model in apps.get_models() if model._meta.db_table == table]
    written = {name.strip('"') for name in scale_rows.TABLES[table]}
    columns = {field.column for field in model._meta.concrete_fields if field.get_internal_type() != "BigAutoField"}
    assert columns - {"id"} == written - {"id"}


MEASURED = {
    "sizes": {
        "300": {"costs": {"refresh": {"p50_ms": 2.0}, "sign-in": {"p50_ms": 40.0}, "other": {"p50_ms": 1.0}}},
        "10000000": {"costs": {"refresh": {"p50_ms": 2.2}, "sign-in": {"p50_ms": 44.0}, "other": {"p50_ms": 3.0}}},
    }
}


def test_the_picture_has_a_line_for_each_cost_that_is_shown() -> None:
    drawn = ElementTree.fromstring(scale_plot.picture(scale_plot.curves(MEASURED)))
    lines = [one for one in drawn if one.tag.endswith("polyline")]
    words = " ".join(one.text or "" for one in drawn if one.tag.endswith("text"))
    assert len(lines) == 2
    assert "refresh, 2.0 → 2.2 ms" in words
    assert "10M" in words


def test_the_table_has_all_and_the_ratio() -> None:
    assert "| other | 1.0 | 3.0 | 3.00 × |" in scale_plot.table(scale_plot.curves(MEASURED)).splitlines()
