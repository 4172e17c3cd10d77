"""Conversations: who names whose Message-ID."""

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from mailhealth import threads

CHAIN = [("a",), ("b", "a"), ("c", "b", "a"), ("x",)]


def test_an_answer_is_in_the_thread_of_what_it_answers() -> None:
    thread = threads.join(CHAIN, {})

    assert thread["a"] == thread["b"] == thread["c"]
    assert thread["x"] != thread["a"]


def test_an_answer_that_arrives_before_its_parent_shares_its_thread_later() -> None:
    early = threads.join([("c", "b")], {})
    late = threads.join([("b", "a")], early)

    assert late["c"] == late["b"] == late["a"]


def test_a_late_message_makes_two_threads_one_and_names_the_old_one() -> None:
    known = {"m": "m", "z": "z"}

    thread = threads.join([("q", "m", "z")], known)

    assert thread == {"m": "m", "z": "m", "q": "m"}


@given(st.lists(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=4), max_size=8))
def test_the_order_of_arrival_does_not_matter(messages: list[list[str]]) -> None:
    at_once = threads.join(messages, {})

    one_by_one: dict[str, str] = {}
    for ids in reversed(messages):
        one_by_one |= threads.join([ids], one_by_one)

    assert one_by_one == at_once


def test_every_order_of_a_chain_gives_the_same_threads() -> None:
    outcomes = {tuple(sorted(threads.join(order, {}).items())) for order in permutations(CHAIN)}

    assert len(outcomes) == 1
