"""The frontend over HTTPS, with curl and requests."""
import shutil
import subprocess

import pytest
import requests


def test_the_frontend_over_https(scene, authority):
    base = f"https://localhost:{scene.pool.ports['fe_https']}"
    assert requests.get(base + "/api/health", verify=authority[0], timeout=20).json()["status"] == "OK"
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(base + "/api/health", timeout=20)
    answer = requests.post(f"{base}/api/v1/catalogs/default_catalog/databases/{scene.name}/sql", json={"query": "SELECT 7 AS n;"},
                           auth=("root", ""), verify=authority[0], timeout=20)
    assert '"data":[7]' in answer.text.replace(" ", "")
    assert requests.get(scene.pool.fe + "/api/health", timeout=20).ok  # plain HTTP goes on beside it


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_curl_is_sent_from_https_to_a_backend(scene, authority, tmp_path):
    """The redirect leads to plain http; curl takes its credentials along when it is told to trust the place."""
    body = tmp_path / "rows.csv"
    body.write_text("1000\n1001\n")
    found = subprocess.run(
        ["curl", "-sS", "--cacert", authority[0], "-u", "root:", "-H", "Expect: 100-continue", "-H", "column_separator:,", "--location-trusted",
         "-T", body, f"https://localhost:{scene.pool.ports['fe_https']}/api/{scene.name}/n/_stream_load"], capture_output=True, text=True,
        timeout=30)
    assert '"Status": "Success"' in found.stdout, found.stdout + found.stderr
    assert scene.value("SELECT count(*) FROM n WHERE n >= 1000") == "2"
