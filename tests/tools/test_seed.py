"""The guide's files reach walrock as printed, but for addresses."""
from types import SimpleNamespace

from tests.support import seed

PG, ROCKPOOL = SimpleNamespace(port=6000), SimpleNamespace(fe_address="127.0.0.1:7000", mysql_port=7001)


def test_only_addresses_are_replaced_and_one_key_is_added():
    before = seed.printed("application.yml").splitlines()
    after = seed.fitted(seed.printed("application.yml"), PG, ROCKPOOL).splitlines()
    added = [line for line in after if line not in before]
    assert added == ["    hostname: 127.0.0.1", "    port: 6000", "    fe-nodes: 127.0.0.1:7000", "    mysql-port: 7001",
                     "    fe-nodes: 127.0.0.1:7000"]
    assert len(after) == len(before) + 1


def test_a_part_goes_under_its_key_or_to_the_end():
    whole = seed.with_part("source:\n  type: x\n\nsink:\n  a: b\n", "source:\n  snapshot:\n    mode: never\n")
    assert whole == "source:\n  snapshot:\n    mode: never\n  type: x\n\nsink:\n  a: b\n"
    assert seed.with_part("job:\n  id: x\n", "pipeline:\n  parallelism: 4\n").endswith("\n\npipeline:\n  parallelism: 4\n")


def test_a_replaced_line_is_taken_out_with_its_comment():
    assert "scan.startup.mode" not in seed.without_line(seed.printed("application.yml"), "scan.startup.mode: initial")
