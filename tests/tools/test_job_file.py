"""Job files of tests are made of dicts; YAML must say the same."""
from tests.support.job_file import merge, to_yaml


def test_dicts_become_block_mappings_and_the_rest_json():
    text = to_yaml({"job": {"id": "a b"}, "list": ["public.users", 2], "slot.name": "s", "odd key": True, "empty": {}})
    assert text == ('job:\n  id: "a b"\nlist: ["public.users", 2]\nslot.name: "s"\n"odd key": true\nempty: {}\n')


def test_changes_are_merged_at_every_depth_and_none_removes():
    base = {"a": {"b": 1, "c": 2}, "d": 3}
    assert merge(base, {"a": {"b": 9}, "d": None, "e": 4}) == {"a": {"b": 9, "c": 2}, "e": 4}
    assert base == {"a": {"b": 1, "c": 2}, "d": 3}
