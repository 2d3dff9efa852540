"""A published capsule page with its footer: the log's root, and a signature over everything above it.

Responsible for writing the footer and for holding a page against it. Invariant: one byte more or less above the footer, or a
word of anybody's in or below it, and the signature does not hold; the key is judged at the size that the page speaks of, as
an event there would be; a page without a footer claims nothing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from hee_core import sshsig
from hee_core.errors import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Callable

    from hee_core.keyring import KeyRing
    from hee_core.keys import Signer

NAMESPACE = "hee-capsule"
MARK = "\n## Signature\n"
_FOOTER = re.compile(
    rf"\nBy `([^`\n]+)`, over everything above this heading, namespace `{NAMESPACE}`\.\n\n```text\n([^`]+)\n```\s*"
)


_ROOT = re.compile(r"- Root of the first (\d{1,15}) events: `([0-9a-f]{64})`\n")


class Known(NamedTuple):
    """What the log knows: how many events it has, its keys, and the root of the first so many of them."""

    size: int
    ring: KeyRing
    root: Callable[[int], str]


def signed(page: str, *, root: str, size: int, signer: Signer) -> str:
    """The page with its footer; the signature is one that `ssh-keygen -Y verify -n hee-capsule` accepts."""
    head = f"{page.rstrip()}\n\n- Root of the first {size} events: `{root}`\n"
    armored = sshsig.armor(signer.sign(head.encode(), NAMESPACE)).strip()
    about = f"By `{signer.actor}`, over everything above this heading, namespace `{NAMESPACE}`."
    return f"{head}{MARK}\n{about}\n\n```text\n{armored}\n```\n"


def fault(text: str, known: Known | None) -> str:
    """What is wrong with a page's signature, empty if nothing; without a log only that the bytes are the signed ones is held."""
    head, mark, footer = text.partition(MARK)
    if not mark:
        return ""
    found = _FOOTER.fullmatch(footer)
    if found is None:  # what stands there would look signed
        return "the page's signature does not hold: below it stands something else than the signature alone"
    try:
        key = sshsig.verify(sshsig.dearmor(found[2]), head.encode(), NAMESPACE)
    except (IntegrityError, ValueError) as error:
        return f"the page's signature does not hold: {error}"
    return _in_the_log(head, key, found[1], known) if known else ""


def _in_the_log(head: str, key: str, actor: str, known: Known) -> str:
    said = _ROOT.findall(head)
    if not said or not head.endswith(f"- Root of the first {said[-1][0]} events: `{said[-1][1]}`\n"):
        return "the page does not end with the root that it was signed at"
    size, root = int(said[-1][0]), said[-1][1]
    if not 0 < size <= known.size:
        return f"the page speaks of {size} events, and the log has {known.size}"
    if known.root(size) != root:
        return f"the page's root is not that of the log's first {size} events"
    if reason := known.ring.check(key, size, actor):  # as the event that would have been next
        return f"the page's signature does not hold: {reason}"
    return ""
