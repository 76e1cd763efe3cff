"""`headers_report`: what the security fields of a response say, for people who look after a server."""

from .._model.headers import Fields
from .._rules.security_fields import Finding, findings
from .response import Response


def headers_report(response: Response) -> tuple[Finding, ...]:
    """The security fields of `response`: each present, missing or weak, with the reason and its source.

    Looked at: HSTS, nosniff, Content-Security-Policy, framing, referrers, the Cross-Origin policies, permissions and
    the flags of cookies. What protects documents only is looked for in documents only.
    """
    scheme = response.url.partition(":")[0]
    return findings(Fields(response.headers.multi_items()), scheme)
