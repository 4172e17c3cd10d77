"""What a token server gives."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Token:
    """An access token, and when it ends: seconds since 1970, None where nobody says."""

    value: str = field(repr=False)
    expires: int | None = None
