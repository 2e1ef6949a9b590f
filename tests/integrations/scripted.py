"""A model that follows a script, behind the APIs of OpenAI (chat and responses) and Anthropic."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_ids = itertools.count()


@dataclass(frozen=True)
class Call:
    """A reply that calls a tool."""

    name: str
    arguments: dict[str, Any]


Reply = str | Call
Script = Callable[["Asked"], Reply]


@dataclass(frozen=True)
class Asked:
    """What a model was asked: the instructions, and (role, text) of each message; a tool's answer
    has the role `tool`."""

    system: str
    messages: list[tuple[str, str]]

    @property
    def last(self) -> tuple[str, str]:
        return self.messages[-1]


@dataclass
class Model:
    """The model's address, its script, and what it was asked so far."""

    url: str = ""
    script: Script = lambda asked: "I do not know."
    asked: list[Asked] = field(default_factory=list)

    def reply(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        return self.script(asked)


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "\n".join(_text(part.get("text") or part.get("content") or "") for part in content)
    return str(content or "")


def _messages(items: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    for item in items:
        if item.get("type") == "function_call_output":
            yield "tool", _text(item["output"])
        elif isinstance(item.get("content"), list) and any(
            part.get("type") == "tool_result" for part in item["content"]
        ):
            yield "tool", _text(item["content"])
        elif item.get("role"):
            yield item["role"], _text(item.get("content"))


def _chat(body: dict[str, Any], reply: Callable[[Asked], Reply]) -> dict[str, Any]:
    every = list(_messages(body["messages"]))
    system = "\n".join(text for role, text in every if role in ("system", "developer"))
    said = reply(Asked(system, [one for one in every if one[0] not in ("system", "developer")]))
    message: dict[str, Any] = {"role": "assistant", "content": None}
    if isinstance(said, Call):
        function = {"name": said.name, "arguments": json.dumps(said.arguments)}
        call = {"id": f"call_{next(_ids)}", "type": "function", "function": function}
        message["tool_calls"] = [call]
    else:
        message["content"] = said
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    return {"object": "chat.completion", "created": 0, "choices": [choice], "usage": usage}


def _responses(body: dict[str, Any], reply: Callable[[Asked], Reply]) -> dict[str, Any]:
    given = body["input"]
    items = [{"role": "user", "content": given}] if isinstance(given, str) else given
    said = reply(Asked(body.get("instructions") or "", list(_messages(items))))
    if isinstance(said, Call):
        number = next(_ids)
        output: dict[str, Any] = {
            "type": "function_call", "id": f"fc_{number}", "call_id": f"call_{number}",
            "name": said.name, "arguments": json.dumps(said.arguments), "status": "completed",
        }  # fmt: skip
    else:
        text = {"type": "output_text", "text": said, "annotations": []}
        output = {
            "type": "message", "id": f"msg_{next(_ids)}", "role": "assistant",
            "content": [text], "status": "completed",
        }  # fmt: skip
    usage = {
        "input_tokens": 1, "output_tokens": 1, "total_tokens": 2,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens_details": {"reasoning_tokens": 0},
    }  # fmt: skip
    return {
        "object": "response", "created_at": 0, "status": "completed", "output": [output],
        "parallel_tool_calls": False, "tool_choice": "auto", "tools": [], "usage": usage,
    }  # fmt: skip


def _anthropic(body: dict[str, Any], reply: Callable[[Asked], Reply]) -> dict[str, Any]:
    said = reply(Asked(_text(body.get("system")), list(_messages(body["messages"]))))
    if isinstance(said, Call):
        block: dict[str, Any] = {
            "type": "tool_use", "id": f"toolu_{next(_ids)}", "name": said.name,
            "input": said.arguments,
        }  # fmt: skip
    else:
        block = {"type": "text", "text": said}
    return {
        "type": "message", "role": "assistant", "content": [block],
        "stop_reason": "tool_use" if isinstance(said, Call) else "end_turn",
        "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 1},
    }  # fmt: skip


_APIS = {
    "/v1/chat/completions": _chat,
    "/v1/responses": _responses,
    "/v1/messages": _anthropic,
}


@contextmanager
def running() -> Iterator[Model]:
    """The model while it is served."""
    model = Model()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:  # the name that http.server looks for
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = _APIS[self.path.partition("?")[0]](body, model.reply)
            told = {"id": f"id_{next(_ids)}", "model": body["model"], **answer}
            sent = json.dumps(told).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(sent)))
            self.send_header("Connection", "close")  # clients of a loop that ended cannot
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    model.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield model
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
