"""The list of mutations moves with the code: tools/mutate itself takes an hour."""
import pytest

from tests.simulation.mutations import MUTATIONS, PIPELINE
from tests.support.programs import ROOT


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation[0])
def test_the_text_of_a_mutation_is_in_its_file_once(mutation):
    _, file, text, replacement = mutation
    whole = (ROOT / (file if "/" in file else PIPELINE + file)).read_text(encoding="utf-8")
    assert whole.count(text) == 1 and text != replacement


def test_each_has_a_name_of_its_own():
    assert len({name for name, *_ in MUTATIONS}) == len(MUTATIONS)
