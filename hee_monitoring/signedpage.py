"""A published capsule page with its footer: the log's root, and a signature over everything above it.

Responsible for writing the footer and for holding a page against it. Invariant: one byte more or less above the footer, or a
word of anybody's in or below it, and the signature does not hold; a page without a footer claims nothing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hee_core import sshsig
from hee_core.errors import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hee_core.keys import Signer

NAMESPACE = "hee-capsule"
MARK = "\n## Signature\n"
_FOOTER = re.compile(
    rf"\nBy `([^`\n]+)`, over everything above this heading, namespace `{NAMESPACE}`\.\n\n```text\n([^`]+)\n```\s*"
)


def signed(page: str, *, root: str, size: int, signer: Signer) -> str:
    """The page with its footer; the signature is one that `ssh-keygen -Y verify -n hee-capsule` accepts."""
    head = f"{page.rstrip()}\n\n- Root of the first {size} events: `{root}`\n"
    armored = sshsig.armor(signer.sign(head.encode(), NAMESPACE)).strip()
    about = f"By `{signer.actor}`, over everything above this heading, namespace `{NAMESPACE}`."
    return f"{head}{MARK}\n{about}\n\n```text\n{armored}\n```\n"


def fault(text: str, keys: Mapping[str, str] | None) -> str:
    """What is wrong with a page's signature, empty if nothing; `keys` are those that the log knows, each with its actor, None without a log."""
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
    if keys is not None and key not in keys:
        return "the page is signed by a key that the log does not know"
    if keys is not None and keys[key] != found[1]:
        return f"the page's signature does not hold: it names {found[1]}, and the key is {keys[key]}'s"
    return ""
