"""Programs and libraries of the package index that use requests, run with smartclient in its place on local servers.

    pip install httpie twine PyGithub python-gitlab spotipy hvac
    PYTHONPATH=tests/support python tests/dropin/programs.py

Each runs in a process of its own, whose first lines are `import smartclient; smartclient.install_as_requests()`. What
is not installed is left out. Ends with 1 when one of them does not do what it should.
"""

import base64
import io
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from loopback.origin import Origin, Page, Seen

BEGINNING = """
import smartclient
smartclient.install_as_requests()
import requests
assert requests.Session is smartclient.Session
URL = {url!r}
"""


class Program(NamedTuple):
    """What is run, the pages that it finds, what it must print, and what it did in one line."""

    name: str
    package: str
    code: str
    pages: dict[str, Callable[[Seen], Page]]
    printed: str
    what: str


def uploaded(seen: Seen) -> Page:
    """The answer of a package index that was given a file by somebody it knows."""
    known = seen.header("authorization") == "Basic " + base64.b64encode(b"user:pass").decode()
    complete = b'name="content"; filename="sample-1.0.tar.gz"' in seen.body and b'name="sha256_digest"' in seen.body
    return Page(b"", 200 if known and complete else 400)


def with_token(seen: Seen) -> Page:
    """The answer of Spotify to somebody with a token."""
    return Page.of_json({"id": "me", "auth": seen.header("authorization")})


def listed(seen: Seen) -> Page:
    """Two pages of a list of GitLab."""
    page = int(seen.query.get("page", "1"))
    following = str(page + 1) if page < 2 else ""
    fields = (("X-Next-Page", following), ("X-Page", str(page)), ("X-Per-Page", "1"), ("X-Total", "2"))
    link = f'<http://{seen.header("host")}/api/v4/projects?page=2>; rel="next"'
    fields += (("Link", link),) if following else ()
    return Page.of_json([{"id": page, "name": f"project {page}"}], headers=fields)


def repository(seen: Seen) -> Page:
    """A repository of GitHub, for whoever has the token."""
    if seen.header("authorization") != "token t":
        return Page.of_json({"message": "Bad credentials"}, 401)
    return Page.of_json({"id": 1, "full_name": "o/r", "description": "a repository", "url": "/repos/o/r"})


PROGRAMS = [
    Program(
        "HTTPie",
        "httpie",
        """
import sys
from httpie.core import main
words = ["--ignore-stdin", "--pretty=none", "--follow", "-a", "user:pass", URL + "/redirect/1", "X-A:b"]
raise SystemExit(main(["http", *words]))
""",
        {},
        '"target": "/echo"',
        "`http --follow -a user:pass URL X-A:b`: a redirect, basic auth, a stream of decoded JSON",
    ),
    Program(
        "twine",
        "twine",
        """
from twine.__main__ import main
import sys
options = ["--repository-url", URL + "/legacy/", "-u", "user", "-p", "pass", "--non-interactive"]
sys.argv = ["twine", "upload", *options, "dist/sample-1.0.tar.gz"]
raise SystemExit(main())
""",
        {"/legacy/": uploaded},
        "Uploading sample-1.0.tar.gz",
        "`twine upload` of a source distribution: multipart by requests-toolbelt, an adapter with urllib3's Retry",
    ),
    Program(
        "PyGithub",
        "github",
        """
from github import Auth, Github
with Github(auth=Auth.Token("t"), base_url=URL) as github:
    print(github.get_repo("o/r").description)
""",
        {"/repos/o/r": repository},
        "a repository",
        "read a repository with a token, over a session and an adapter of its own making",
    ),
    Program(
        "python-gitlab",
        "gitlab",
        """
import gitlab
with gitlab.Gitlab(URL, private_token="t") as server:
    print([each.name for each in server.projects.list(iterator=True)])
""",
        {"/api/v4/projects": listed},
        "['project 1', 'project 2']",
        "walked through a list of two pages by their Link fields",
    ),
    Program(
        "spotipy",
        "spotipy",
        """
import spotipy
client = spotipy.Spotify(auth="t")
client.prefix = URL + "/v1/"
print(client.current_user()["auth"])
""",
        {"/v1/me/": with_token},
        "Bearer t",
        "read a profile over its session with a Retry of its own class",
    ),
    Program(
        "hvac",
        "hvac",
        """
import hvac
client = hvac.Client(url=URL, token="t")
print(client.secrets.kv.v2.read_secret_version(path="p", raise_on_deleted_version=True)["data"]["data"])
""",
        {"/v1/secret/data/p": lambda seen: Page.of_json({"data": {"data": {"token": seen.header("x-vault-token")}}})},
        "{'token': 't'}",
        "read a secret of Vault with its token field",
    ),
]


def sample(folder: Path) -> None:
    """A source distribution, for twine."""
    (folder / "dist").mkdir()
    files = {"PKG-INFO": b"Metadata-Version: 2.1\nName: sample\nVersion: 1.0\n", "sample.py": b"X = 1\n"}
    with tarfile.open(folder / "dist" / "sample-1.0.tar.gz", "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"sample-1.0/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def run(program: Program, origin: Origin, folder: Path) -> bool | None:
    """Whether `program` did what it should; None where it is not installed."""
    looked = subprocess.run([sys.executable, "-c", f"import {program.package}"], capture_output=True, check=False)
    if b"ModuleNotFoundError" in looked.stderr:
        return None
    origin.forget()
    for path, page in program.pages.items():
        origin.route(path, page)
    code = BEGINNING.format(url=origin.url) + program.code
    environment = {**os.environ, "HOME": str(folder), "NO_PROXY": "*"}
    command = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)
    agents = {seen.header("user-agent") for seen in origin.seen.requests}
    good = done.returncode == 0 and program.printed in done.stdout and bool(origin.seen.requests)
    print(
        f"{program.name}: {'ok' if good else 'FAILED'}; {program.what}; {len(origin.seen.requests)} requests, {agents}"
    )
    if not good:
        print(done.stdout[-2000:], done.stderr[-3000:])
    return good


def main() -> int:
    """Runs all of them."""
    origin = Origin()
    with tempfile.TemporaryDirectory() as name:
        sample(Path(name))
        results = [run(program, origin, Path(name)) for program in PROGRAMS]
    origin.close()
    print(f"{results.count(True)} did what they should, {results.count(None)} are not installed")
    return 1 if False in results else 0


if __name__ == "__main__":
    sys.exit(main())
