"""Writes Outlook's .msg files: MAPI properties ([MS-OXMSG]) in a compound file ([MS-CFB])."""

import struct
from collections.abc import Mapping, Sequence

Tree = Mapping[str, "bytes | Tree"]
Value = str | bytes | int | tuple[bytes, str]  # a pair is a text in 8 bits and in no Unicode

SECTOR, MINI, SMALL = 512, 64, 4_096
FREE, END, FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
EPOCH = 11_644_473_600  # seconds from 1601 to 1970
TIMES = frozenset({0x0039, 0x0E06, 0x3007})


def message(
    properties: Mapping[int, Value],
    recipients: Sequence[Mapping[int, Value]] = (),
    attachments: Sequence[Mapping[int, Value | Tree]] = (),
    header: int = 32,
) -> Tree:
    """The storage of one mail; an attachment's 0x3701 may be another mail's storage."""
    tree = dict(_storage(properties, header))
    for number, recipient in enumerate(recipients):
        tree[f"__recip_version1.0_#{number:08X}"] = _storage(recipient, 8)
    for number, attachment in enumerate(attachments):
        tree[f"__attach_version1.0_#{number:08X}"] = _storage(attachment, 8)
    return tree


def _storage(properties: Mapping[int, "Value | Tree"], header: int) -> Tree:
    table, tree = bytearray(header), {}
    for name, value in sorted(properties.items()):
        if isinstance(value, Mapping):
            tree[f"__substg1.0_{name:04X}000D"] = value
            continue
        kind, content = coded(name, value)
        if isinstance(value, int):
            table += struct.pack("<HHI8s", kind, name, 6, content)
        else:
            table += struct.pack("<HHIQ", kind, name, 6, len(content))
            tree[f"__substg1.0_{name:04X}{kind:04X}"] = content
    return {**tree, "__properties_version1.0": bytes(table)}


def coded(name: int, value: Value) -> tuple[int, bytes]:
    """The type of a property and its value in bytes."""
    if isinstance(value, int):
        if name in TIMES:
            return 0x40, struct.pack("<Q", (value + EPOCH) * 10_000_000)
        return 0x03, struct.pack("<iI", value, 0)
    if isinstance(value, str):
        return 0x1F, value.encode("utf-16-le")
    return (0x102, value) if isinstance(value, bytes) else (0x1E, value[0])


def saved(tree: Tree) -> bytes:
    """A compound file with this tree."""
    entries: list[list[object]] = []
    _entries("Root Entry", tree, entries)
    large = [e for e in entries if isinstance(e[1], bytes) and len(e[1]) >= SMALL]
    mini, mini_fat = _small([e for e in entries if isinstance(e[1], bytes) and e not in large])
    entries[0][1], large = mini, [entries[0], *large]
    packed = struct.pack(f"<{len(mini_fat)}I", *mini_fat)
    counts = [_sectors(packed), _sectors(bytes(128 * len(entries)))]
    counts += [_sectors(entry[1]) for entry in large if isinstance(entry[1], bytes)]
    fat_size, fat, starts = _chains(counts)
    for entry, start in zip(large, starts[2:], strict=True):
        entry[4] = start
    head = struct.pack(
        "<8s16xHHHHH6xIIIIIIIII109I",
        *(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0x3E, 3, 0xFFFE, 9, 6),
        *(0, fat_size, starts[1], 0, SMALL, starts[0], counts[0], END, 0),
        *(*range(fat_size), *[FREE] * (109 - fat_size)),
    )
    blocks = [packed, b"".join(map(_entry, entries)), *(entry[1] for entry in large)]
    body = b"".join(_padded(block) for block in blocks if isinstance(block, bytes))
    return head + struct.pack(f"<{len(fat)}I", *fat) + body


def _small(entries: list[list[object]]) -> tuple[bytes, list[int]]:
    """Lay short streams side by side in units of 64 bytes: their bytes and their chains."""
    mini, chains = bytearray(), []
    for entry in entries:
        content = entry[1]
        assert isinstance(content, bytes)
        entry[4] = len(mini) // MINI if content else END
        count = -(-len(content) // MINI)
        chains += [*range(len(chains) + 1, len(chains) + count), END][:count]
        mini += content.ljust(count * MINI, b"\0")
    return bytes(mini), chains


def _chains(counts: list[int]) -> tuple[int, list[int], list[int]]:
    """The sectors of the table, the table, and where each block of so many sectors begins."""
    size = 1
    while size * 128 < size + sum(counts):
        size += 1
    fat, starts, at = [FAT] * size, [], size
    for count in counts:
        starts.append(at if count else END)
        fat += [*range(at + 1, at + count), END][:count]
        at += count
    return size, fat + [FREE] * (size * 128 - len(fat)), starts


def _entries(name: str, what: "bytes | Tree", into: list[list[object]]) -> int:
    """List a tree as [name, content, child, right, start]; siblings hang on their right."""
    number = len(into)
    entry: list[object] = [name, what, FREE, FREE, END]
    into.append(entry)
    if isinstance(what, Mapping):
        before = None
        for inner in sorted(what, key=lambda each: (len(each), each.upper())):
            child = _entries(inner, what[inner], into)
            (entry if before is None else into[before])[2 if before is None else 3] = child
            before = child
    return number


def _entry(entry: list[object]) -> bytes:
    name, what, child, right, start = entry
    assert isinstance(name, str)
    coded = name.encode("utf-16-le")
    kind = 5 if name == "Root Entry" else 2 if isinstance(what, bytes) else 1
    size = len(what) if isinstance(what, bytes) else 0
    start = 0 if kind == 1 else start
    return struct.pack(
        "<64sHBBIII36xIQ", coded, len(coded) + 2, kind, 1, FREE, right, child, start, size
    )


def _sectors(content: bytes) -> int:
    return -(-len(content) // SECTOR)


def _padded(content: bytes) -> bytes:
    return content.ljust(_sectors(content) * SECTOR, b"\0")


def compressed(rtf: bytes) -> bytes:
    """Compressed RTF ([MS-OXRTFCP]) that compresses nothing: every byte stands for itself."""
    blocks = (rtf[at : at + 8] for at in range(0, len(rtf), 8))
    content = b"".join(b"\0" + block for block in blocks)
    return struct.pack("<II4sI", len(content) + 12, len(rtf), b"LZFu", 0) + content
