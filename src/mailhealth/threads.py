"""Which conversation a message belongs to: messages that name each other's ids are one thread."""

from collections.abc import Iterable, Mapping, Sequence

from mailhealth.records import Mail


def identifiers(mail: Mail, key: str) -> tuple[str, ...]:
    """Name every Message-ID a mail carries or refers to, its own first.

    A mail without a Message-ID goes by `key`, the store's own key, so that it still has a
    thread to be in.
    """
    own = mail.message_id or key
    referred = (*mail.references, *((mail.in_reply_to,) if mail.in_reply_to else ()))
    return tuple(dict.fromkeys((own, *referred)))


def join(messages: Iterable[Sequence[str]], known: Mapping[str, str]) -> dict[str, str]:
    """Find the thread of every id that some messages name.

    `messages` holds the identifiers of each new message, `known` the threads of ids met
    before. Returns id -> thread for all of them, and old thread -> new thread where a late
    message proves two threads to be one. A thread goes by the smallest id in it, so the
    order of arrival does not matter. Union-find with path halving.
    """
    parent = {thread: thread for thread in known.values()} | dict(known)

    def root(node: str) -> str:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for ids in messages:
        for i in ids:
            parent.setdefault(i, i)
        roots = {root(i) for i in ids}
        first = min(roots)
        parent.update(dict.fromkeys(roots, first))
    return {node: root(node) for node in parent}
