"""Where a download goes: the path that the caller gave, or in a folder a name that the server offers."""

import errno
import hashlib
import os
import stat

from .._model.fields import format_http_date
from .._model.headers import Fields
from .._model.url import URL
from .._rules.filename import offered_name
from .part_file import file_error


class Destination:
    """The place of one file.

    Attributes:
        path: of the file; None until the server has named it.
        key: stands for the URL in the record beside the part: a digest, since the URL may hold secrets.
        overwrite: whether a file there may be replaced; never by a name that a server has chosen.
    """

    def __init__(self, path: str, url: URL, *, overwrite: bool) -> None:
        self._folder = path if os.path.isdir(path) else None
        self._url = url
        self.path = None if self._folder is not None else path
        self.key = hashlib.sha256(url.without_fragment.encode("utf-8", "surrogatepass")).hexdigest()
        self.overwrite = overwrite and self._folder is None

    def name_by(self, fields: Fields) -> None:
        """Takes the name that an answer with these fields offers."""
        self.path = os.path.join(self._folder or "", offered_name(fields, self._url))

    def checked(self) -> str:
        """The path, where a file may be put now.

        Raises:
            FileError: there is one that must not be replaced, or something that is no file.
        """
        path = self.path
        assert path is not None
        try:
            mode = os.lstat(path).st_mode
        except FileNotFoundError:
            return path
        except OSError as error:
            raise file_error(error, "write", path) from error
        if not self.overwrite:
            raise file_error(OSError(errno.EEXIST, os.strerror(errno.EEXIST)), "write", path)
        if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
            raise file_error(OSError(errno.EINVAL, "what is there is no file"), "write", path)
        return path

    def modified(self) -> str | None:
        """When the file that is there was changed, as If-Modified-Since says it; None where there is none."""
        try:
            return None if self.path is None else format_http_date(os.stat(self.path).st_mtime)
        except OSError:
            return None
