"""Why there is no token, in one sentence each; no secret comes near one."""

import re
from collections.abc import Mapping

from mailhealth.errors import BadSource, LoginRefused
from mailhealth.oauth.ways import again, page, way, who

CODES = "https://learn.microsoft.com/entra/identity-platform/reference-error-codes"


def refused(settings: Mapping[str, str], *codes: object) -> LoginRefused:
    """What the first code that is known means; what a server describes is not repeated."""
    auth = settings["auth"]
    provider = way(settings)["provider"]
    known = {**page()["refused"][provider.casefold()], **page()["refused"].get(auth, {})}
    told = [re.sub(r"[^\w.-]", "", str(code))[:60] for code in codes if code]
    for code in told:
        if code in known:
            why = filled(settings, known[code])
            return LoginRefused(f"{provider} gives no token for {settings['user']}: {why}")
    code = told[0] if told else "no reason"
    where = f", see {CODES}" if provider == "Microsoft" else ""
    return LoginRefused(
        f"{provider} gives no token for {settings['user']} ({code}{where}): check the client's "
        f"registration, or run {again(settings)}"
    )


def filled(settings: Mapping[str, str], sentence: str) -> str:
    """A sentence of ways.toml, about this source."""
    return sentence.format(
        who=who(settings),
        user=settings["user"],
        login=again(settings),
        scope=way(settings)["scope"],
    )


def no_consent(settings: Mapping[str, str]) -> LoginRefused:
    """Nothing is kept of a consent."""
    return LoginRefused(
        f"{who(settings)} has not consented on this machine, or its keyring is locked: "
        f"run {again(settings)}"
    )


def unreachable(settings: Mapping[str, str], error: BaseException) -> BadSource:
    """No answer; only the kind of the error is told, because requests hold what was sent."""
    return BadSource(
        f"{way(settings)['provider']}'s token server did not answer ({type(error).__name__}): "
        "check the network and the proxy, or try again later"
    )
