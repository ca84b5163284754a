"""Java clients for tests: jars from Maven, fetched once into build/java, and small programs compiled against them.

    classpath = java_tools.fetch_jars("com.starrocks:starrocks-thrift-sdk:1.0.1")
    program = java_tools.compile(ROOT / "rockpool/tests/java/scan", classpath)
    lines = java_tools.run(program, "Scan", "127.0.0.1", "9060")

Where Maven or a JDK is missing, or the jars are neither kept nor to be had, the calling test is skipped with the
reason. A program that does not compile is a failure.
"""
import fcntl
import hashlib
import os
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "build" / "java"
FETCH_SECONDS = 300
# Arrow and Flight reach into java.nio
OPENED = ("--add-opens=java.base/java.nio=ALL-UNNAMED",)

POM = """<?xml version="1.0" encoding="UTF-8"?>
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>rockpool</groupId>
  <artifactId>clients</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
{dependencies}
  </dependencies>
</project>
"""
DEPENDENCY = ("    <dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version></dependency>")


def need(*programs):
    """Skips the calling test when a program is not installed."""
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed: clients written in Java cannot be tried")


def fetch_jars(*coordinates):
    """The class path of "group:artifact:version" and all they depend on."""
    need("java")
    folder = KEPT / "jars" / _digest(*coordinates)
    with _alone(folder):
        if not (folder / "complete").exists():
            need("mvn")
            _fetch(folder, coordinates)
    return os.pathsep.join(sorted(str(jar) for jar in folder.glob("*.jar")))


def compile(folder, classpath):
    """Compiles all .java files of a folder; the class path that runs them."""
    need("javac")
    sources = sorted(Path(folder).rglob("*.java"))
    target = KEPT / "classes" / _digest(classpath, *(s.read_text() for s in sources))
    with _alone(target):
        if not (target / "complete").exists():
            target.mkdir(parents=True, exist_ok=True)
            made = subprocess.run(["javac", "-nowarn", "-d", str(target), "-cp", classpath, *map(str, sources)],
                                  capture_output=True, text=True)
            assert made.returncode == 0, made.stderr
            (target / "complete").touch()
    return os.pathsep.join([str(target), classpath])


def run(classpath, main, *arguments, seconds=120):
    """What a program prints, line by line. It must end well."""
    ended = subprocess.run(["java", "-Xshare:auto", "-XX:TieredStopAtLevel=1", *OPENED, "-cp", classpath, main,
                            *map(str, arguments)], capture_output=True, text=True, timeout=seconds)
    assert ended.returncode == 0, ended.stdout[-2000:] + ended.stderr[-4000:]
    return ended.stdout.splitlines()


def _fetch(folder, coordinates):
    folder.mkdir(parents=True, exist_ok=True)
    pom = folder / "pom.xml"
    pom.write_text(POM.format(dependencies="\n".join(DEPENDENCY.format(*c.split(":")) for c in coordinates)))
    try:
        made = subprocess.run(["mvn", "-q", "-B", "-f", str(pom), "dependency:copy-dependencies",
                               f"-DoutputDirectory={folder}", "-DincludeScope=runtime"],
                              capture_output=True, text=True, timeout=FETCH_SECONDS)
    except subprocess.TimeoutExpired:
        pytest.skip(f"Maven did not bring {', '.join(coordinates)} in {FETCH_SECONDS} s")
    if made.returncode:
        pytest.skip(f"Maven cannot bring {', '.join(coordinates)}: {made.stdout[-600:]}{made.stderr[-300:]}")
    (folder / "complete").touch()


def _digest(*texts):
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


@contextmanager
def _alone(folder):
    """Test runs that share the folder wait for each other."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(folder.with_suffix(".lock"), "w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
