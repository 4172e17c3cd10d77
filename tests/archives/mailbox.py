"""Writes small Outlook mailbox files (.pst) as [MS-PST] says: folders, mails, recipients."""

import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.archives.outlook import Value, coded

Properties = Mapping[int, Value]

STORE, ROOT, FIRST_FOLDER, FIRST_MAIL = 0x21, 0x122, 0x8022, 0x200024
FOLDER, HIERARCHY, CONTENTS = 0x02, 0x0D, 0x0E  # kinds of nodes
ATTACHMENTS, RECIPIENTS, ATTACHMENT, STEP = 0x671, 0x692, 0x8025, 0x20
HEADER, PAGE, FIRST = 564, 512, 0x4800
BLOCKS, NODES = 0x80, 0x81  # kinds of tree pages
ROW_ID, ROW_VERSION = 0x67F2, 0x67F3


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail of a folder: its properties, those of its recipients and of its attachments."""

    properties: Properties
    recipients: Sequence[Properties] = ()
    attachments: Sequence[Properties] = ()


@dataclass(slots=True)
class _File:
    """A file that is being written: its bytes behind the header, its blocks and nodes."""

    content: bytearray = field(default_factory=bytearray)
    blocks: list[bytes] = field(default_factory=list)
    nodes: list[bytes] = field(default_factory=list)
    block: int = 4

    def add(self, data: bytes, internal: bool = False) -> int:
        """Write a block with its trailer; returns its number."""
        self.block += 4
        number = self.block | (2 if internal else 0)
        at = FIRST + len(self.content)
        size = -(-(len(data) + 16) // 64) * 64
        trailer = struct.pack("<HHIQ", len(data), _signature(at, number), _crc(data), number)
        self.content += data.ljust(size - 16, b"\0") + trailer
        self.blocks.append(struct.pack("<QQHHI", number, at, len(data), 2, 0))
        return number

    def node(self, number: int, parent: int, data: bytes, below: int = 0) -> None:
        """Add a node with its data and its block of nodes below."""
        block = self.add(data)
        self.nodes.append(struct.pack("<QQQII", number, block, below, parent, 0))

    def page(self, kind: int, entries: list[bytes]) -> tuple[int, int]:
        """Write a tree of one page; returns its number and its offset."""
        self.content += bytes(-len(self.content) % PAGE)
        self.block += 4
        at = FIRST + len(self.content)
        size = len(entries[0])
        body = b"".join(sorted(entries, key=lambda entry: struct.unpack("<Q", entry[:8])))
        counts = struct.pack("<BBBBI", len(entries), 488 // size, size, 0, 0)
        page = body.ljust(488, b"\0") + counts
        signature = _signature(at, self.block)
        self.content += page + struct.pack("<BBHIQ", kind, kind, signature, _crc(page), self.block)
        return self.block, at


def saved(folders: Mapping[str, Sequence[Letter]]) -> bytes:
    """A mailbox file whose top folder holds these folders, up to 15 nodes in all."""
    file = _File()
    file.node(STORE, 0, _properties({0x3001: "Mailbox"}))
    file.node(ROOT, ROOT, _properties({0x3001: ""}))
    ids = [FIRST_FOLDER + number * STEP for number in range(len(folders))]
    rows: dict[int, Properties] = {
        folder: {0x3001: name} for folder, name in zip(ids, folders, strict=True)
    }
    file.node(ROOT ^ FOLDER ^ HIERARCHY, 0, _table(rows))
    mail = FIRST_MAIL
    for folder, (name, letters) in zip(ids, folders.items(), strict=True):
        file.node(folder, ROOT, _properties({0x3001: name, 0x3602: len(letters)}))
        rows = {mail + i * STEP: {0x001A: "IPM.Note"} for i in range(len(letters))}
        file.node(folder ^ FOLDER ^ CONTENTS, 0, _table(rows))
        for letter in letters:
            file.node(mail, folder, _properties(letter.properties), _below(file, letter))
            mail += STEP
    nodes, blocks = file.page(NODES, file.nodes), file.page(BLOCKS, file.blocks)
    return _header(file, nodes, blocks).ljust(FIRST, b"\0") + bytes(file.content)


def _below(file: _File, letter: Letter) -> int:
    """Write what hangs on a mail: the tables of its recipients and attachments, and these."""
    rows = {ATTACHMENT + i * STEP: {0x3705: 1} for i in range(len(letter.attachments))}
    data = {
        ATTACHMENTS: _table(rows) if rows else b"",
        RECIPIENTS: _table(dict(enumerate(letter.recipients))) if letter.recipients else b"",
        **dict(zip(rows, map(_properties, letter.attachments), strict=True)),
    }
    nodes = [struct.pack("<QQQ", node, file.add(held), 0) for node, held in data.items() if held]
    if not nodes:
        return 0
    head = struct.pack("<BBHI", 2, 0, len(nodes), 0)
    return file.add(head + b"".join(nodes), internal=True)


def _header(file: _File, nodes: tuple[int, int], blocks: tuple[int, int]) -> bytes:
    size = FIRST + len(file.content)
    root = struct.pack("<IQQQQQQQQBBH", 0, size, 0, 0, 0, *nodes, *blocks, 0, 0, 0)
    body = struct.pack(
        "<2sHHBBIIQQI128xQ72sI256sBBHQ",
        *(b"SM", 23, 19, 1, 1, 0, 0, 0, file.block + 4, 1, 0, root, 0),
        *(b"\xff" * 256, 0x80, 0, 0, file.block + 4),
    )
    return (
        struct.pack("<4sI", b"!BDN", _crc(body[:471]))
        + body
        + struct.pack("<I36x", _crc(body[:516]))
    )


def _crc(data: bytes) -> int:
    return zlib.crc32(data, 0xFFFFFFFF) ^ 0xFFFFFFFF


def _signature(at: int, number: int) -> int:
    both = (at ^ number) & 0xFFFFFFFF
    return (both >> 16) ^ (both & 0xFFFF)


def _heap(kind: int, items: Sequence[bytes]) -> bytes:
    """A heap of these items; the first is its root. An item's id is its place times 32."""
    body, places = bytearray(12), []
    for item in items:
        places.append(len(body))
        body += item
    places.append(len(body))
    body += bytes(len(body) % 2)
    body[:12] = struct.pack("<HBBII", len(body), 0xEC, kind, 1 << 5, 0)
    return bytes(body) + struct.pack(f"<HH{len(places)}H", len(places) - 1, 0, *places)


def _properties(properties: Properties) -> bytes:
    """A property context: a heap with a sorted list of properties."""
    items, rows = [b"", b""], b""
    for name, value in sorted(properties.items()):
        kind, content = coded(name, value)
        if kind != 0x03:
            items.append(content)
            content = struct.pack("<I", len(items) << 5)
        rows += struct.pack("<HH4s", name, kind, content[:4])
    items[0] = struct.pack("<BBBBI", 0xB5, 2, 6, 0, 2 << 5)
    items[1] = rows
    return _heap(0xBC, items)


def _table(people: Mapping[int, Properties]) -> bytes:
    """A table context of rows by their ids: a heap with the columns, an index, and the rows."""
    kinds = {
        name: coded(name, value)[0] for person in people.values() for name, value in person.items()
    }
    names = [ROW_ID, ROW_VERSION, *sorted(kinds)]
    spots = {ROW_ID: 0, ROW_VERSION: 4, **{name: 8 + 4 * i for i, name in enumerate(sorted(kinds))}}
    wide = 8 + 4 * len(kinds)
    columns = b"".join(
        struct.pack("<HHHBB", kinds.get(name, 0x03), name, spots[name], 4, i)
        for i, name in enumerate(names)
    )
    items, rows, index = [b"", b"", b"", b""], b"", b""
    for number, (identity, person) in enumerate(people.items()):
        there, cells = 0, struct.pack("<II", identity, 1)
        for name in sorted(kinds):
            if name in person:
                kind, content = coded(name, person[name])
                if kind != 0x03:
                    items.append(content)
                    content = struct.pack("<I", len(items) << 5)
                there |= 0x80 >> names.index(name)
                cells += content[:4]
            else:
                cells += bytes(4)
        there |= 0x80 >> names.index(ROW_ID) | 0x80 >> names.index(ROW_VERSION)
        rows += cells + bytes([there])
        index += struct.pack("<II", identity, number)
    ends = (wide, wide, wide, wide + 1)
    items[0] = struct.pack("<BB4HIII", 0x7C, len(names), *ends, 2 << 5, 4 << 5, 0) + columns
    items[1] = struct.pack("<BBBBI", 0xB5, 4, 4, 0, 3 << 5)
    items[2], items[3] = index, rows
    return _heap(0x7C, items)
