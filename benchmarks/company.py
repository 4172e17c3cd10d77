"""An invented company's mailbox and send log, of any size, the same for the same seed."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from random import Random

US = "example.com"
END = datetime(2026, 11, 1, tzinfo=UTC)
DAYS = 400
CUSTOMERS = 200
CONTACTS = 5  # a customer

THINGS = {
    "en": "the invoice,the export,our account,the weekly report,the new contract,the login page,"
    "the mobile app,the price list,the delivery,the training,the interface,the October order",
    "ja": "請求書,エクスポート機能,弊社のアカウント,週次レポート,新しい契約,ログイン画面,"
    "モバイルアプリ,価格表,納品,研修,連携機能,十月分の注文",
}
SENTENCES = {
    "en": (
        "Could you tell us when {a} will be ready?",
        "We have a problem with {a} since this morning.",
        "Thank you very much, {a} works perfectly now and the team is delighted.",
        "Unfortunately {a} is still wrong, and this is the third time we have had to ask.",
        "We have checked {a} against {b} and found no difference.",
        "Please send {a} to our accounting department by Friday.",
        "If {a} is not repaired by the end of the month, we will have to cancel.",
        "Attached you will find {a} together with {b}.",
        "Our new colleague will look after {a} from next week on.",
        "Would Tuesday at ten suit you for a call about {a}?",
    ),
    "ja": (
        "{a}はいつ頃ご用意いただけますでしょうか。",
        "今朝から{a}に不具合が出ております。",
        "{a}が問題なく動くようになり、一同大変喜んでおります。ありがとうございました。",
        "残念ながら{a}はまだ直っておらず、お願いするのはこれで三度目です。",
        "{a}と{b}を照合しましたが、違いはございませんでした。",
        "金曜日までに{a}を経理部へお送りください。",
        "月末までに{a}が改善されない場合、解約を検討いたします。",
        "{a}と{b}を添付いたしますので、ご確認をお願いいたします。",
        "来週より新しい担当者が{a}を受け持ちます。",
        "{a}の件で、火曜日の十時にお電話してもよろしいでしょうか。",
    ),
}
GREETINGS = {
    "en": ("Hello {name},", "Kind regards"),
    "ja": ("{name}様\n\nお世話になっております。", "よろしくお願いいたします。"),
}
SIGNATURES = {
    "en": "-- \n{name}\n{company}\nPhone +00 555 {number:04}",
    "ja": "------------------\n{company}\n{name}\nTEL 000-555-{number:04}\n------------------",
}
WROTE = {"en": "On {date}, {name} wrote:", "ja": "{date} {name} のメール:"}
NAMES = {
    "en": "Ada Varga,Ben Okoye,Cleo Marsh,Dan Petrov,Eve Lindqvist,Finn Castel,Gia Novak",
    "ja": "星野芽衣,川辺亮,朝比奈葵,湊蓮,桜木翔,森下結衣,石黒大輔",
}


@dataclass(frozen=True, slots=True)
class Person:
    """Who writes: a name, an address, the company as its signature says, the language."""

    name: str
    address: str
    company: str
    lang: str


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail before it is bytes."""

    sender: Person
    to: Person
    at: datetime
    subject: str
    own: str
    quoted: str
    references: tuple[str, ...]


def write_maildir(folder: Path, messages: int, seed: int = 1) -> None:
    """Write so many mails as a Maildir: threads with quotes, in English and Japanese.

    A third has an HTML part, one in twenty an attachment of 50 to 400 kB, half of the Japanese
    ones are ISO-2022-JP, one in twelve is machine mail.
    """
    random = Random(seed)
    for name in ("cur", "new", "tmp"):
        (folder / name).mkdir(parents=True)
    for number, content in zip(range(messages), _mails(random), strict=False):
        (folder / "cur" / f"{1_700_000_000 + number}.M{number}.mx:2,S").write_bytes(content)


def write_send_log(path: Path, events: int, seed: int = 2) -> None:
    """Write so many events as an export of Elastic Email: sent, opened, clicked and the rest."""
    random = Random(seed)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        columns = "TransactionID,MsgID,FromEmail,To,Subject,EventType,EventDate,ChannelName"
        writer.writerow([*columns.split(","), "MessageCategory", "Message"])
        writer.writerows(row for _, row in zip(range(events), _events(random), strict=False))


def people() -> list[Person]:
    """Everybody who writes to the company, the same every time."""
    return [
        _person(customer, contact) for customer in range(CUSTOMERS) for contact in range(CONTACTS)
    ]


def _person(customer: int, contact: int) -> Person:
    lang = "ja" if customer % 4 == 0 else "en"
    names = NAMES[lang].split(",")
    name = names[(customer * CONTACTS + contact) % len(names)]
    return Person(
        name, f"contact{contact}@customer{customer:03}.example", f"Customer {customer:03}", lang
    )


def _mails(random: Random) -> Iterator[bytes]:
    everybody = people()
    while True:
        person = random.choice(everybody)
        if random.random() < 1 / 12:
            yield _machine_mail(random, person)
        else:
            yield from _thread(random, person)


def _thread(random: Random, person: Person) -> Iterator[bytes]:
    us = Person(
        random.choice(NAMES[person.lang].split(",")), f"support@{US}", "Example", person.lang
    )
    at = END - timedelta(days=random.uniform(0, DAYS))
    sender, to = (person, us) if random.random() < 0.8 else (us, person)
    subject = random.choice(THINGS[person.lang].split(","))
    references: tuple[str, ...] = ()
    quoted = ""
    for turn in range(min(8, 1 + int(random.expovariate(0.5)))):
        own = _own_words(random, sender, to)
        letter = Letter(
            sender, to, at, f"Re: {subject}" if turn else subject, own, quoted, references
        )
        message_id = f"<{random.getrandbits(64):x}@{sender.address.partition('@')[2]}>"
        yield _bytes(random, letter, message_id)
        references = (*references, message_id)
        quoted = _quote(letter)
        sender, to = to, sender
        at += timedelta(hours=random.expovariate(1 / 9))
        if at > END:
            return


def _own_words(random: Random, sender: Person, to: Person) -> str:
    things = THINGS[sender.lang].split(",")
    sentences = (
        random.choice(SENTENCES[sender.lang]).format(
            a=random.choice(things), b=random.choice(things)
        )
        for _ in range(random.randint(1, 8))
    )
    opening, closing = GREETINGS[sender.lang]
    signature = SIGNATURES[sender.lang].format(
        name=sender.name, company=sender.company, number=random.randint(0, 9999)
    )
    body = "\n".join(sentences)
    return f"{opening.format(name=to.name)}\n\n{body}\n\n{closing}\n{sender.name}\n\n{signature}\n"


def _quote(letter: Letter) -> str:
    wrote = WROTE[letter.sender.lang].format(
        date=f"{letter.at:%Y-%m-%d %H:%M}", name=letter.sender.name
    )
    before = letter.own + (f"\n{letter.quoted}" if letter.quoted else "")
    return wrote + "\n\n" + "".join(f"> {line}\n" for line in before.splitlines())


def _bytes(random: Random, letter: Letter, message_id: str) -> bytes:
    mail = _headers(letter.sender, letter.to, letter.at, letter.subject)
    mail["Message-ID"] = message_id
    if letter.references:
        mail["In-Reply-To"] = letter.references[-1]
        mail["References"] = " ".join(letter.references)
    text = letter.own + (f"\n{letter.quoted}" if letter.quoted else "")
    old = letter.sender.lang == "ja" and random.random() < 0.5
    mail.set_content(text, charset="iso-2022-jp" if old else "utf-8")
    if random.random() < 1 / 3:
        mail.add_alternative(_html(letter), subtype="html")
    if random.random() < 1 / 20:
        content = random.randbytes(random.randint(50_000, 400_000))
        mail.add_attachment(content, maintype="application", subtype="pdf", filename="report.pdf")
    return mail.as_bytes(policy=SMTP)


def _headers(sender: Person, to: Person, at: datetime, subject: str) -> EmailMessage:
    mail = EmailMessage()
    mail["Received"] = f"from mx.example by mail.{US}; {format_datetime(at)}"
    mail["From"] = f"{sender.name} <{sender.address}>"
    mail["To"] = f"{to.name} <{to.address}>"
    mail["Date"] = format_datetime(at)
    mail["Subject"] = subject
    return mail


def _html(letter: Letter) -> str:
    own = "".join(f"<p>{line}</p>" for line in letter.own.splitlines() if line)
    lines = (line.lstrip("> ") for line in letter.quoted.splitlines())
    quoted = "".join(f"<div>{line}</div>" for line in lines)
    style = "<style>p { margin: 0; font-family: sans-serif }</style>"
    return f"<html><head>{style}</head><body>{own}<blockquote>{quoted}</blockquote></body></html>"


def _machine_mail(random: Random, person: Person) -> bytes:
    at = END - timedelta(days=random.uniform(0, DAYS))
    us = Person("Support", f"support@{US}", "Example", "en")
    if random.random() < 0.5:
        mail = _headers(person, us, at, "Automatic reply: out of office")
        mail["Auto-Submitted"] = "auto-replied"
        mail.set_content("I am out of the office until Monday and will answer then.\n")
    else:
        robot = Person("Weekly", f"news@{person.address.partition('@')[2]}", person.company, "en")
        mail = _headers(robot, us, at, "News of the week")
        mail["List-Unsubscribe"] = f"<https://{robot.address.partition('@')[2]}/leave>"
        mail["Precedence"] = "bulk"
        mail.set_content("All the news of the week.\n" * 20)
    mail["Message-ID"] = f"<{random.getrandbits(64):x}@{person.address.partition('@')[2]}>"
    return mail.as_bytes(policy=SMTP)


def _events(random: Random) -> Iterator[list[str]]:
    """Campaign after campaign, each to everybody, back in time without end."""
    everybody = people()
    week = 0
    while True:
        sent = END - timedelta(days=2 + 3 * week % DAYS, hours=random.uniform(0, 9))
        for person in everybody:
            yield from _fate(random, f"week-{week:04}", person, sent)
        week += 1


def _fate(random: Random, campaign: str, person: Person, sent: datetime) -> Iterator[list[str]]:
    job, message = f"job-{campaign}", f"{random.getrandbits(64):x}"

    def row(kind: str, after: float, category: str = "") -> list[str]:
        at = f"{sent + timedelta(seconds=after):%Y-%m-%dT%H:%M:%S}"
        about = [job, message, f"news@{US}", person.address, f"News {campaign}"]
        return [*about, kind, at, campaign, category, ""]

    if random.random() < 0.02:
        yield row("Bounce", 5, "NoMailbox" if random.random() < 0.5 else "GreyListed")
        return
    yield row("Sent", random.uniform(1, 60))
    if random.random() < 0.45:
        opened = random.expovariate(1 / 30_000) + 2
        yield row("Open", opened)
        if random.random() < 0.25:
            yield row("Click", opened + random.uniform(2, 300))
    if random.random() < 0.002:
        yield row("Unsubscribe", random.uniform(100, 90_000))
