"""The name that a response's content would have as a file, made safe; nothing is opened or written here."""

from .._model.headers import Fields
from .._model.url import URL
from .._rules.filename import offered_name
from .response import Response


def file_name(response: Response) -> str:
    """What the server offers in Content-Disposition, else the last segment of the URL asked: one plain name."""
    asked = (response.history or [response])[0].request.url
    return offered_name(Fields(response.headers.multi_items()), URL.parse(asked))
