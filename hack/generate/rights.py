"""Renders the reference page of the operator's rights."""

from collections.abc import Iterable

from hack.generate.text import NOTICE, table
from operators.kinds import KINDS
from operators.runtime.rights import EVENT_RULES, EVERYONE, LEASE_RULES, Rule

_HEAD = ("Verbs", "On", "Why", "Shown by")


def render() -> str:
    """The page as Markdown: every rule with its reason and the test in which it is seen in use."""
    kinds = "\n".join(f"## {kind.api.kind}\n{_rules(kind.all_rules)}" for kind in KINDS)
    everyone = [(f"`{right.verb}`", f"`{right.on}`", why) for right, why in EVERYONE.items()]
    return f"""<!-- {NOTICE} -->
# Rights of the operator
What it is granted, by a ClusterRole, or by a Role where it serves one namespace. `make test` holds
these tables against the API server's audit log, once for each of the two: a right that was used and
is not here, or that is here and was not used, fails it, and so does a rule that the named test did
not use. No rule is here without requests of its own: the operator sets no owner reference, so that
the `finalizers` subresources are not needed.

## Every kind
{_rules(EVENT_RULES)}
In the namespace of the Lease only, as whoever may write any Lease may take the lead from other
programs:

{_rules(LEASE_RULES)}
{kinds}
## What every account may
By the roles `system:basic-user` and `system:discovery`, which Kubernetes binds to all accounts:

{table(("Verb", "On", "Why"), everyone)}"""


def _rules(rules: Iterable[Rule]) -> str:
    return table(_HEAD, (_row(rule) for rule in rules))


def _row(rule: Rule) -> tuple[str, str, str, str]:
    verbs = ", ".join(f"`{verb}`" for verb in rule.verbs)
    on = ", ".join(dict.fromkeys(f"`{right.on}`" for right in rule.rights))
    file, _, test = rule.shown_by.rpartition("/")[2].partition("::")
    return verbs, on, rule.why, f"`{file}`: {test.removeprefix('test_').replace('_', ' ')}"
