from __future__ import annotations

from shared import bundled


def test_a_checkout_has_it_where_it_lies_and_a_wheel_inside_the_package(tmp_path, monkeypatch):
    monkeypatch.setattr(bundled, "ROOT", tmp_path)
    assert bundled.bundled("samples") == tmp_path / "samples"
    installed = tmp_path / "dropscribe" / "bundled" / "samples"
    installed.mkdir(parents=True)
    assert bundled.bundled("samples") == installed
