"""Write the binary samples of connectors/ anew: python -m tests.archives.samples."""

import zipfile
from pathlib import Path

from tests.archives import outlook

CONNECTORS = Path(__file__).parents[2] / "connectors"
MONDAY = 1_768_206_600  # 2026-01-12T08:30:00Z
EXCHANGE = "/O=EXAMPLE/OU=FIRST/CN=RECIPIENTS/CN="

HEADERS = """Microsoft Mail Internet Headers Version 2.0
Received: from mail.initech.example by mx.example.com; Mon, 12 Jan 2026 08:30:04 +0000
From: Pat Novak <pat@initech.example>
To: support@example.com
Subject: Export stops half way
Date: Mon, 12 Jan 2026 09:30:00 +0100
Message-ID: <o1@initech.example>
Content-Type: multipart/mixed; boundary="lost"
"""
RTF = (
    rb"{\rtf1\ansi\ansicpg1252\fromhtml1 \deff0{\fonttbl{\f0\fswiss\fcharset0 Arial;}}"
    rb"{\*\generator Example;}{\*\htmltag64 <p>}\htmlrtf \par \htmlrtf0 Hello,"
    rb"{\*\htmltag72 </p>}{\*\htmltag64 <p>}the export stops at 50\'a0% with \'93timeout\'94."
    rb"{\*\htmltag72 </p>}}"
)
ENGLISH = outlook.message(
    {
        0x001A: "IPM.Note",
        0x0037: "Export stops half way",
        0x007D: HEADERS,
        0x0E06: MONDAY + 4,
        0x1009: outlook.compressed(RTF),
    },
    attachments=[{0x3707: "export log.txt", 0x370E: "text/plain", 0x3701: b"12:00 timeout\r\n"}],
)


def cp932(text: str) -> tuple[bytes, str]:
    """A text as old Japanese Outlooks keep it."""
    return text.encode("cp932"), "cp932"


JAPANESE = outlook.message(
    {
        0x001A: cp932("IPM.Note"),
        0x0037: cp932("\x01\x05Re: ①請求書の件（髙橋様）"),
        0x0039: MONDAY + 3_600,
        0x0042: cp932("鈴木 花子"),
        0x0065: cp932(EXCHANGE + "HANAKO"),
        0x1000: cp932("髙橋様\r\n\r\nお世話になっております。\r\n請求書を再送いたします。\r\n"),
        0x1035: cp932("<o2@example.com>"),
        0x1042: cp932("<o0@asahina.example>"),
        0x3FDE: 50220,
        0x3FFD: 932,
    },
    recipients=[
        {0x0C15: 1, 0x3001: cp932("髙橋 一郎"), 0x39FE: cp932("ichiro@asahina.example")},
        {
            0x0C15: 2,
            0x3001: cp932("鈴木 花子"),
            0x3003: cp932(EXCHANGE.lower() + "hanako"),
            0x39FE: cp932("hanako@example.com"),
        },
    ],
    attachments=[{0x3707: cp932("請求書①.pdf"), 0x370E: cp932("application/pdf"), 0x3701: b"%PDF"}],
)

ALL_MAIL = """From 1854000000000000001@xxx Mon Jan 12 08:30:00 +0000 2026
X-GM-THRID: 1854000000000000001
X-Gmail-Labels: Inbox,Important,=?UTF-8?Q?=E9=A1=A7=E5=AE=A2?=
From: Pat Novak <pat@initech.example>
To: support@example.com
Subject: Two invoices for January
Date: Mon, 12 Jan 2026 09:30:00 +0100
Message-ID: <t1@initech.example>

Hello,

we were charged twice.
>From what I see both have the same number.

From 1854000000000000002@xxx Mon Jan 12 10:15:00 +0000 2026
X-GM-THRID: 1854000000000000001
X-Gmail-Labels: Sent
From: support@example.com
To: Pat Novak <pat@initech.example>
Subject: Re: Two invoices for January
Message-ID: <t2@example.com>
In-Reply-To: <t1@initech.example>

Hi Pat, one of them is cancelled.

"""
CUSTOMERS = """From 1854000000000000003@xxx Tue Jan 13 01:00:00 +0000 2026
X-GM-THRID: 1854000000000000003
X-Gmail-Labels: =?UTF-8?Q?=E9=A1=A7=E5=AE=A2?=
From: =?UTF-8?B?5pyd5q+U5aWIIOWBpQ==?= <ken@asahina.example>
To: support@example.com
Subject: =?UTF-8?B?44Ot44Kw44Kk44Oz44Gn44GN44G+44Gb44KT?=
Date: Tue, 13 Jan 2026 10:00:00 +0900
Message-ID: <t3@asahina.example>
Content-Type: text/plain; charset=utf-8

お世話になっております。
今朝からログインできません。

"""


def takeout(path: Path) -> None:
    """Write what Google Takeout gives for a mailbox of three mails."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in (
            ("Takeout/archive_browser.html", "<title>Takeout</title>"),
            ("Takeout/Mail/All mail Including Spam and Trash.mbox", ALL_MAIL),
            ("Takeout/Mail/顧客.mbox", CUSTOMERS),
        ):
            info = zipfile.ZipInfo(name, (2026, 2, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, text.replace("\n", "\r\n").encode())


if __name__ == "__main__":
    takeout(CONNECTORS / "takeout" / "sample.zip")
    (CONNECTORS / "msg" / "sample.en.msg").write_bytes(outlook.saved(ENGLISH))
    (CONNECTORS / "msg" / "sample.ja.msg").write_bytes(outlook.saved(JAPANESE))
