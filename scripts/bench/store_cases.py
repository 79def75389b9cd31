"""What the hub does to each of the clients. A case is its name and the rules; see `Fault` of the test hub."""

from dataclasses import dataclass, field

from .store_hub import WEIGHTS

MIB = 1 << 20
SIZE_BYTES = 24 * MIB + 12_345
# Where connections break. huggingface_hub writes 10 MiB at a time, and forgets the last of them that is not whole.
BREAK_BYTES = 11 * MIB


@dataclass
class Case:
    """A hub that behaves like this until the client has ended."""

    name: str
    rules: list[dict] = field(default_factory=list)
    manners: dict = field(default_factory=dict)


def cdn(fault: dict | str, **when: int) -> dict:
    """A fault of the weights' bytes."""
    return {"on": "cdn", "path_suffix": WEIGHTS, "fault": fault} | when


def status(code: int, **more: dict) -> dict:
    return {"status": {"code": code} | more}


def portal(style: str) -> dict:
    return {"captive_portal": style}


# A client without ranges never gets to see these; one that asks for a range at once sees them at once.
BREAK = cdn({"drop_after": {"bytes": BREAK_BYTES}}, times=1)


def etag(on: str) -> dict:
    return {"on": on, "path_suffix": WEIGHTS, "fault": {"etag": {"value": "../../../../pwned"}}}


CASES = [
    Case("as it should be"),
    Case("closes every connection after 1 MiB", [cdn({"drop_after": {"bytes": MIB}})]),
    Case("closes every connection after 11 MiB", [cdn({"drop_after": {"bytes": BREAK_BYTES}})]),
    Case("resets every connection after 11 MiB", [cdn({"reset_after": {"bytes": BREAK_BYTES}})]),
    Case("closes after 11 MiB, when its signed link expires too", [cdn({"drop_after": {"bytes": BREAK_BYTES}})],
         {"link_bytes": BREAK_BYTES}),
    Case("says nothing more after 11 MiB of every connection", [cdn({"stall_after": {"bytes": BREAK_BYTES}})]),
    Case("says nothing more after 11 MiB, once", [cdn({"stall_after": {"bytes": BREAK_BYTES}}, times=1)]),
    Case("accepts the request and never answers", [cdn("stall_before_headers")]),
    Case("one byte a second", [cdn({"pace": {"bytes": 1, "every_ms": 1000}})]),
    Case("right length, 1,000 bytes less, once", [cdn({"ends_early": {"bytes": 1000}}, times=1)]),
    Case("right length, 1,000 bytes less, always", [cdn({"ends_early": {"bytes": 1000}})]),
    Case("length of what it sends, which is 1,000 bytes less", [cdn({"short_length": {"bytes": 1000}})]),
    Case("length of what it sends, which is 5 bytes more", [cdn({"long_length": {"bytes": 5}})]),
    Case("right length, and 5 bytes after the end", [cdn({"trailing_bytes": {"bytes": 5}})]),
    Case("chunked", [cdn({"chunked": "honest"})]),
    Case("chunked, 1,000 bytes less", [cdn({"chunked": {"short": {"bytes": 1000}}})]),
    Case("the same, and ranges ignored", [cdn("range_ignored"), cdn({"chunked": {"short": {"bytes": 1000}}})]),
    Case("chunked, 5 bytes more", [cdn({"chunked": {"long": {"bytes": 5}}})]),
    Case("chunked, broken in the middle", [cdn({"chunked": "broken"})]),
    Case("chunked, never ended", [cdn({"chunked": "unterminated"})]),
    Case("one bit wrong, once", [cdn({"flip_bit": {"offset": 1_000_000}}, times=1)]),
    Case("one bit wrong, always", [cdn({"flip_bit": {"offset": 1_000_000}})]),
    Case("after a break: `Content-Range` shifted by 512", [BREAK, cdn({"content_range_shifted": {"by": 512}})]),
    Case("after a break: `Content-Range` of another size", [BREAK, cdn({"content_range_total": {"total": 99_999_999}})]),
    Case("after a break: no `Content-Range`", [BREAK, cdn("content_range_missing")]),
    Case("after a break: 200 and the whole file to a range", [BREAK, cdn("range_ignored")]),
    Case("after a break: bytes from elsewhere under a right header", [BREAK, cdn({"range_shifted": {"by": 4096}})]),
    Case("`Content-Encoding: gzip`, which is a lie", [cdn("gzip_lie")]),
    Case("403", [cdn(status(403))]),
    Case("404", [cdn(status(404))]),
    Case("416", [cdn(status(416))]),
    Case("429 with `Retry-After: 2`, once", [cdn(status(429, retry_after={"seconds": 2}), times=1)]),
    Case("429 with `Retry-After: 2`, always", [cdn(status(429, retry_after={"seconds": 2}))]),
    Case("500, once", [cdn(status(500), times=1)]),
    Case("500, always", [cdn(status(500))]),
    Case("503, once", [cdn(status(503), times=1)]),
    Case("503, always", [cdn(status(503))]),
    Case("redirects in a circle", [cdn("redirect_loop")]),
    Case("a sign-in page instead of the file", [cdn(portal("html"))]),
    Case("the same, chunked", [cdn(portal("chunked"))]),
    Case("the same, ended by closing", [cdn(portal("unsized"))]),
    Case("a sign-in page instead of everything", [{"on": "everywhere", "fault": portal("html")}]),
    Case("the same, after the first answer", [{"on": "everywhere", "after": 1, "fault": portal("html")}]),
    Case("`ETag: \"../../../../pwned\"`", [etag("resolve"), etag("cdn")]),
]
