"""Read a mailbox over IMAP without leaving a trace in it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime

from mailhealth.errors import BadSource
from mailhealth.readers.imap import account as accounts
from mailhealth.readers.imap import cursor as cursors_
from mailhealth.readers.imap import faults, fetching, folders
from mailhealth.readers.imap.connection import Mailbox
from mailhealth.readers.imap.cursor import Cursor
from mailhealth.readers.imap.folders import Folder
from mailhealth.records import Kept, Mark, Met, Present, Raw, Renamed, Skipped, Spot

TODAY = "imap:(today)"

Item = Raw | Skipped | Mark | Met | Present | Renamed


def read(settings: Mapping[str, str], cursors: Mapping[str, str], kept: Kept) -> Iterator[Item]:
    """Yield every message that came after the cursors, folder by folder in order of UID.

    `settings`: host, user; optional port, folders (comma separated; else all of our own that hold
    mail), tls (yes, starttls, no), ca_file, auth, password_env, password_command,
    daily_megabytes. `cursors`: "imap:<folder>" -> how far it was read; `kept` is asked where a
    folder was renamed or numbered anew. Folders are opened read-only and no flag changes. A Mark
    follows every group of at most 2 MB and 250 messages; Present tells what is in a folder where
    something is gone. A connection that breaks off is taken up again.
    Raises BadSource where the server cannot be read as asked, LoginRefused where it says no.
    """
    account = accounts.account(settings)
    with faults.told_plainly(account.server), closing(Mailbox(account, settings)) as mailbox:
        items = _mailbox(mailbox, dict(cursors), kept)
        yield from _within_a_day(account, cursors, items) if account.daily_bytes else items


def check(settings: Mapping[str, str]) -> None:
    """Make sure that a mailbox could be asked for; the server is not contacted.

    Raises BadSource for a setting that is missing or cannot be.
    """
    accounts.account(settings)


def look(settings: Mapping[str, str]) -> list[Folder]:
    """List the folders on the server, which would be read, and how many messages those hold.

    Raises BadSource and LoginRefused as `read` does.
    """
    account = accounts.account(settings)
    with faults.told_plainly(account.server), closing(Mailbox(account, settings)) as mailbox:
        found = folders.listed(mailbox)
        return [each if each.why else folders.counted(mailbox, each) for each in found]


def _within_a_day(
    account: accounts.Account, cursors: Mapping[str, str], items: Iterator[Item]
) -> Iterator[Item]:
    """End when as much was read today (UTC) as may be: providers lock who reads more."""
    today = datetime.now(UTC).date().isoformat()
    day, _, told = cursors.get(TODAY, "").partition(":")
    taken = int(told) if day == today and told.isdigit() else 0
    enough = BadSource(
        f"{account.server}: today's {account.daily_bytes // 1_000_000} MB are read "
        "(the setting daily_megabytes); tomorrow's run goes on"
    )
    if taken >= account.daily_bytes:
        raise enough
    for item in items:
        yield item
        taken += len(item.content) if isinstance(item, Raw) else 0
        if isinstance(item, Mark):
            yield Mark(TODAY, f"{today}:{taken}")
            if taken >= account.daily_bytes:
                raise enough


def _mailbox(mailbox: Mailbox, cursors: dict[str, str], kept: Kept) -> Iterator[Item]:
    found = folders.listed(mailbox)
    gmail = folders.gmail(mailbox)
    wanted = [folder for folder in found if not folder.why]
    yield from _renamed(mailbox, found, cursors, kept)
    yield from _deleted(found, cursors)
    for folder in wanted:
        known = cursors_.read(cursors.get(folder.place))
        yield from _folder(mailbox, folder, known, kept, gmail=gmail)


def _renamed(
    mailbox: Mailbox, found: Sequence[Folder], cursors: dict[str, str], kept: Kept
) -> Iterator[Renamed]:
    """Recognise folders that have another name now, and take over their cursors.

    A folder keeps its UIDVALIDITY when it is renamed; because several may share one, some of its
    messages must be the same too.
    """
    lost = _lost(found, cursors)
    new = [folder for folder in found if not folder.why and not cursors.get(folder.place)]
    for folder in (folders.counted(mailbox, each) for each in new if lost):
        for place in sorted(lost):
            if _same(mailbox, folder, (place, cursors[place]), kept):
                lost.remove(place)
                cursors[folder.place] = cursors.pop(place)
                yield Renamed(place.removeprefix("imap:"), folder.name)
                break


def _deleted(found: Sequence[Folder], cursors: Mapping[str, str]) -> Iterator[Present | Mark]:
    """Tell of folders that are there no more; their cursors go, should they ever come back."""
    for place in sorted(_lost(found, cursors)):
        if known := cursors_.read(cursors[place]):
            yield Present(place.removeprefix("imap:"), known.validity, ())
            yield Mark(place, "")


def _lost(found: Sequence[Folder], cursors: Mapping[str, str]) -> set[str]:
    there = {folder.place for folder in found}
    return {place for place, told in cursors.items() if told and place not in {*there, TODAY}}


def _same(mailbox: Mailbox, folder: Folder, was: tuple[str, str], kept: Kept) -> bool:
    place, cursor = was
    known = cursors_.read(cursor)
    if folder.why or known is None or known.validity != folder.validity:
        return False
    some = kept.sample(place.removeprefix("imap:"), known.validity)
    told = fetching.listed(mailbox, folder, list(some), named=True, gmail=folders.gmail(mailbox))
    there = [each for found in told for each in found if each.fingerprint]  # others are gone
    return bool(there) and all(some[each.uid] == each.fingerprint for each in there)


def _folder(
    mailbox: Mailbox, folder: Folder, cursor: Cursor | None, kept: Kept, *, gmail: bool
) -> Iterator[Item]:
    folder = folders.counted(mailbox, folder)
    if cursor and _unchanged(folder, cursor):
        return
    folder = folder if folder.why else folders.opened(mailbox, folder)
    if folder.why:
        yield Skipped(folder.place, folder.why)
        return
    anew = kept.renumbered(folder.name, folder.validity)
    if cursor is None or cursor.validity != folder.validity:
        cursor = Cursor(folder.validity, 0, messages=None if cursor or anew else 0)
    # Without counts: should this run be cut off, the next one reconciles what it kept.
    yield _mark(folder, Cursor(folder.validity, cursor.highest))
    came = late = 0
    for found in fetching.uids(mailbox, folder, cursor.highest):
        for item in _messages(mailbox, folder, found, kept if anew else None, gmail=gmail):
            yield item
            came -= isinstance(item, Skipped)  # perhaps it is gone: then it shows at the end
        in_time = sum(uid < folder.next_uid for uid in found)
        came, late = came + in_time, late + len(found) - in_time
        cursor = replace(cursor, highest=max([cursor.highest, *found]))
    yield from _ended(mailbox, folder, cursor, (came, late))


def _unchanged(folder: Folder, cursor: Cursor) -> bool:
    told = (folder.validity, folder.messages, folder.next_uid)
    return bool(folder.next_uid) and told == (cursor.validity, cursor.messages, cursor.next_uid)


def _messages(
    mailbox: Mailbox, folder: Folder, found: Sequence[int], kept: Kept | None, *, gmail: bool
) -> Iterator[Item]:
    """Fetch what is not known by its fingerprint, with a Mark after every group."""
    for some in fetching.listed(mailbox, folder, found, named=kept is not None, gmail=gmail):
        known = kept.messages([each.fingerprint for each in some]) if kept else {}
        for each in some:
            if message := known.get(each.fingerprint):
                spot = Spot(folder.name, folder.validity, each.uid, each.fingerprint)
                yield Met(folder.spot(each.uid), spot, message)
        for group in fetching.groups([each for each in some if each.fingerprint not in known]):
            yield from fetching.messages(mailbox, folder, group, gmail=gmail)
            yield _mark(folder, Cursor(folder.validity, max(each.uid for each in group)))
        if known:
            yield _mark(folder, Cursor(folder.validity, some[-1].uid))


def _ended(
    mailbox: Mailbox, folder: Folder, cursor: Cursor, new: tuple[int, int]
) -> Iterator[Item]:
    """Tell what is gone, where the server's count shows that something is.

    `new` counts the messages that were new: those that were there when the folder was opened, and
    those that came after that. Nothing is gone where the messages of last time and those that
    came are as many as there are, on a server that tells one from the other by UIDNEXT.
    """
    came, late = new
    count = folder.messages + late
    known = None if cursor.messages is None else cursor.messages + came
    if known != folder.messages or not folder.next_uid:
        there = [uid for found in fetching.uids(mailbox, folder) for uid in found]
        there = [uid for uid in there if uid <= cursor.highest]
        count = len(there)
        yield Present(folder.name, folder.validity, _ranges(there))
    following = max(folder.next_uid, cursor.highest + 1) if folder.next_uid else 0
    yield _mark(folder, replace(cursor, messages=count, next_uid=following))


def _ranges(uids: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """Write ascending numbers as ranges, first to last."""
    ranges: list[tuple[int, int]] = []
    for uid in uids:
        if ranges and ranges[-1][1] == uid - 1:
            ranges[-1] = (ranges[-1][0], uid)
        else:
            ranges.append((uid, uid))
    return tuple(ranges)


def _mark(folder: Folder, cursor: Cursor) -> Mark:
    return Mark(folder.place, str(cursor))
