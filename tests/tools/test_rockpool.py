"""The rockpool that tests start keeps its ports and its rows over restarts and kills."""
from tests.support.programs import rockpool_program
from tests.support.rockpool import Rockpool
from tests.support.waiting import wait_until


def test_ports_and_rows_stay_over_stop_and_kill(tmp_path):
    with Rockpool(tmp_path, program=rockpool_program()) as rockpool:
        rockpool.execute("CREATE DATABASE keep", 'CREATE TABLE keep.t (id INT NOT NULL, what STRING) PRIMARY KEY(id) '
                         'DISTRIBUTED BY HASH(id) BUCKETS 1 PROPERTIES ("replication_num" = "1")',
                         "INSERT INTO keep.t VALUES (1, 'a'), (2, NULL)")
        ports = (rockpool.fe_port, rockpool.be_ports, rockpool.mysql_port)
        rockpool.restart()
        rockpool.kill()
        rockpool.start()
        assert (rockpool.fe_port, rockpool.be_ports, rockpool.mysql_port) == ports
        assert rockpool.execute("SELECT id, what FROM keep.t ORDER BY id") == [["1", "a"], ["2", None]]
        assert rockpool.count("keep.t") == 2 and rockpool.count("keep.none") is None


def test_it_stands_still_while_paused_and_faults_can_be_ordered(tmp_path):
    with Rockpool(tmp_path) as rockpool:
        rockpool.pause()
        rockpool.resume()
        wait_until("an answer", rockpool.stats)
        rockpool.order_fault(point="lost_answer", at="commit", count=1)
        assert rockpool.fired_faults() == []
        rockpool.clear_faults()
