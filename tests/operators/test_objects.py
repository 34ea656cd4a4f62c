import copy
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from operators.runtime.objects import Obj, slim
from operators.runtime.store import Store
from tests.operators.bench import TOYS

_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=20,
)


def _sent(name: str, spec: Any) -> Obj:
    """An object as a watch brings it: every text of its own."""
    meta = {"namespace": "n", "name": name, "uid": name, "resourceVersion": "1"}
    text = json.dumps({"metadata": {**meta, "managedFields": [{"manager": "x"}]}, "spec": spec})
    obj: Obj = json.loads(text)
    return obj


@given(_values)
def test_what_is_kept_says_the_same_but_who_manages_it(spec: Any) -> None:
    obj = _sent("a", spec)
    before = copy.deepcopy(obj)
    kept = slim(obj)
    assert obj == before
    del before["metadata"]["managedFields"]
    assert kept == before


def test_objects_hold_their_names_and_short_values_once() -> None:
    one, two = (slim(_sent(name, {"reason": "Settled"})) for name in ("a", "b"))
    assert [id(key) for key in one["spec"]] == [id(key) for key in two["spec"]]
    assert one["spec"]["reason"] is two["spec"]["reason"]


def test_an_index_finds_the_very_object_that_is_cached() -> None:
    store = Store(TOYS)
    store.index("reason", lambda obj: [obj["spec"]["reason"]])
    store.replace([_sent("a", {"reason": "Settled"})], 1)
    assert store.by("reason", "Settled")[0] is store.get("n", "a")


def test_a_list_of_what_is_known_holds_nothing_twice() -> None:
    store = Store(TOYS)
    store.replace([slim(_sent("a", {"n": 1}))], 1)
    assert store.keep(_sent("a", {"n": 1})) is store.get("n", "a")
    newer = _sent("a", {"n": 2})
    newer["metadata"]["resourceVersion"] = "2"
    assert store.keep(newer) == slim(newer)
    assert "managedFields" not in store.keep(_sent("b", {}))["metadata"]
