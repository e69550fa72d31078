"""Requests to the console: forms, languages, and where a page leads; nothing of it is believed."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request

from api.language import Language, current, tagged, text

ROOT = "/console"
LANGUAGE_COOKIE = "leaseledger_lang"
LANG = "lang"
_FORM_MAX_BYTES = 4_096


class Refused(Exception):
    """A page that is not shown: status, title and sentence for the person who asked."""

    def __init__(self, status: int, title: str, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.title, self.sentence = status, title, sentence


async def form(request: Request) -> dict[str, str]:
    """The fields of a form that was sent; what is longer than any form of ours is not read."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _FORM_MAX_BYTES:
            raise Refused(413, text("Too large"), text("The form holds more than a form of this console can."))
    return dict(parse_qsl(body.decode("utf-8", "replace")))


def cookie(request: Request, name: str) -> str:
    """A cookie of ours, empty where there is none. None of them is quoted: undoing quotes may take long."""
    for part in request.headers.get("cookie", "").split(";"):
        key, _, value = part.partition("=")
        if key.strip() == name:
            return value.strip()
    return ""


def language_of(request: Request) -> Language:
    """The language of a request: what was just chosen, what was chosen before, what the browser prefers."""
    chosen = request.query_params.get(LANG) or cookie(request, LANGUAGE_COOKIE)
    return tagged(chosen or ", ".join(request.headers.getlist("accept-language")))


def other_language(request: Request) -> tuple[str, str]:
    """The address of this page in the other language, and that language's name."""
    other, name = (Language.ZH, "中文") if current() is Language.EN else (Language.EN, "English")
    query = {name: value for name, value in request.query_params.items() if name != "key"} | {LANG: other.value}
    return f"{request.url.path}?{urlencode(query)}", name


def address(request: Request) -> str:
    """The page that was asked for, relative to the console, with its query."""
    path = request.url.path.removeprefix(ROOT)
    return f"{path}?{request.url.query}" if request.url.query else path


def within(target: str) -> str:
    """A path within the console; the home page for anything else, so that nobody is sent elsewhere after a login."""
    return target if target.startswith("/") and not target.startswith(("//", "/\\", "/login", "/logout")) else "/"
