"""Hooks: what they are called with, and how those of a call and a session go together; never when."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .._model.errors import InvalidOption, shown

HOOKS = ["response"]


def default_hooks() -> dict[str, list[Callable[..., Any]]]:
    """No hook for any event."""
    return {event: [] for event in HOOKS}


def dispatch_hook(key: str, hooks: Any, hook_data: Any, **kwargs: Any) -> Any:
    """What the hooks for `key`, one or a list, make of `hook_data`: each gets what the one before returned, if any."""
    for hook in as_list((hooks or {}).get(key)):
        replacement = hook(hook_data, **kwargs)
        if replacement is not None:
            hook_data = replacement
    return hook_data


async def dispatch_awaiting(hooks: Any, response: Any, said: dict[str, Any]) -> Any:
    """As `dispatch_hook` for the response of a call on an event loop: coroutine functions are awaited."""
    hook_data = response
    try:
        for hook in as_list(checked_hooks(hooks).get("response")):
            replacement = hook(hook_data, **said)
            if hasattr(replacement, "__await__"):
                replacement = await replacement
            if replacement is not None:
                hook_data = replacement
    except BaseException:
        response.close()  # nobody else would: the caller has not seen it yet
        raise
    return hook_data


def as_list(hooks: Any) -> list[Callable[..., Any]]:
    """One hook, several or none, as a list.

    Raises:
        InvalidOption: something among them cannot be called.
    """
    if hooks is None:
        return []
    found = [hooks] if callable(hooks) else list(hooks) if isinstance(hooks, Iterable) else [hooks]
    for hook in found:
        if not callable(hook):
            raise InvalidOption(f"hooks: {shown(hook)} cannot be called")
    return found


def checked_hooks(hooks: Any) -> Mapping[str, Any]:
    """`hooks` as a mapping from events; a callable or a list of them is for the response.

    Raises:
        InvalidOption: none of these.
        ValueError: an unknown event; InvalidOption is one.
    """
    if not hooks:
        return {}
    if callable(hooks) or isinstance(hooks, list | tuple):
        hooks = {"response": hooks}
    if not isinstance(hooks, Mapping):
        raise InvalidOption(f"hooks must be a mapping from events to functions, not {shown(hooks)}")
    for event, each in hooks.items():
        if event not in HOOKS:
            raise InvalidOption(f"Unsupported event specified, with event name {shown(event)}")
        as_list(each)
    return hooks


def merge_hooks(request_hooks: Any, session_hooks: Any, dict_class: Any = dict) -> Any:
    """The hooks of a request where it has any, else those of the session."""
    if not session_hooks or not session_hooks.get("response"):
        return request_hooks
    if not request_hooks or not request_hooks.get("response"):
        return session_hooks
    return dict_class({**session_hooks, **request_hooks})


class HookHolder:
    """What has `hooks` that can be added and removed."""

    hooks: dict[str, Any]

    def register_hook(self, event: str, hook: Any) -> None:
        """Adds a function, or several, to be called for `event`.

        Raises:
            InvalidOption: an unknown event, or what cannot be called; a ValueError.
        """
        checked_hooks({event: hook})
        self.hooks[event] = [*as_list(self.hooks.get(event)), *as_list(hook)]

    def deregister_hook(self, event: str, hook: Callable[..., Any]) -> bool:
        """Takes a function out again; whether it was there."""
        hooks = as_list(self.hooks.get(event))
        if hook not in hooks:
            return False
        hooks.remove(hook)
        self.hooks[event] = hooks
        return True
