"""`smartclient completion SHELL`: a script that has the shell complete commands and flags, made from the parsers."""

import argparse
from importlib import import_module

from .flags import Parser
from .main import FILES, METHODS
from .report import Report

_SHELLS = ("bash", "zsh", "fish")

_BASH = """_smartclient() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} flags=
    if [ "$COMP_CWORD" = 1 ]; then
        COMPREPLY=($(compgen -W "{commands}" -- "$word"))
        return
    fi
    case ${{COMP_WORDS[1]}} in
{cases}
    esac
    case $word in
        -*) COMPREPLY=($(compgen -W "$flags" -- "$word")) ;;
    esac
}}
complete -o default -F _smartclient smartclient
"""


def parser(command: str) -> Parser:
    """The words of `completion`."""
    parser = Parser(
        command,
        "Prints a script that has the shell complete commands and flags.",
        "examples:\n"
        "  smartclient completion bash > ~/.local/share/bash-completion/completions/smartclient\n"
        '  eval "$(smartclient completion zsh)"\n'
        "  smartclient completion fish > ~/.config/fish/completions/smartclient.fish\n",
    )
    parser.add_argument("shell", metavar="SHELL", choices=_SHELLS, help=", ".join(_SHELLS))
    return parser


def run(command: str, arguments: argparse.Namespace) -> int:
    """Prints the script."""
    text = _fish() if arguments.shell == "fish" else _bash()
    if arguments.shell == "zsh":
        text = f"autoload -U +X compinit && compinit\nautoload -U +X bashcompinit && bashcompinit\n{text}"
    report = Report("never")
    for line in text.splitlines():
        report.line(line)
    return 0


def _commands() -> list[str]:
    return [*(name for name in FILES if name), "help", "version"]


def _parser_of(command: str) -> Parser:
    made: Parser = import_module(f".{FILES[command]}", __package__).parser(command)
    return made


def _actions(command: str) -> list[argparse.Action]:
    return [each for each in _parser_of(command)._actions if each.option_strings and each.help != argparse.SUPPRESS]


def _bash() -> str:
    cases = []
    groups = {"|".join((*METHODS, "request")): "get", **{name: name for name, file in FILES.items() if file != "call"}}
    for pattern, command in groups.items():
        flags = " ".join(name for action in _actions(command) for name in action.option_strings)
        cases.append(f'        {pattern}) flags="{flags}" ;;')
    return _BASH.format(commands=" ".join(_commands()), cases="\n".join(cases))


def _fish() -> str:
    lines = [f"complete -c smartclient -n __fish_use_subcommand -a {name}" for name in _commands()]
    for command in FILES:
        for action in _actions(command) if command else ():
            words = [f"complete -c smartclient -n '__fish_seen_subcommand_from {command}'"]
            words += [f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in action.option_strings]
            words += ["-r"] if action.nargs != 0 else []
            text = (action.help or "").replace("\\", "\\\\").replace("'", "\\'")
            lines.append(" ".join([*words, f"-d '{text}'"]))
    return "\n".join(lines) + "\n"
