"""Whatever is in the headers: a proof, or SignatureRefused with a code of ours, and never another exception."""

from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from federation.errors import SignatureRefused
from federation.signatures import Message, Refusal, VerifyKey, accept_signature, parse_signature, verify

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEY = VerifyKey("https://good.test/k", "https://good.test/a", "rsa", "no key")

any_bytes = st.binary(max_size=300).map(lambda raw: raw.decode("latin-1"))
near_misses = st.lists(
    st.sampled_from(
        [
            *'",=;:()?-\\\x00\n\r \té€',
            "keyId=",
            "headers=",
            "signature=",
            "algorithm=",
            "created=",
            '"(request-target) host date digest"',
            '"https://good.test/k"',
            "sig1=",
            "keyid=",
            '"@method"',
            '"@query-param";name=',
            "(created)",
            "1772366400",
            "99999999999999999999",
            "SHA-256=",
            "sha-256=:",
            "YQ==",
            "Sun, 01 Mar 2026 12:00:00 GMT",
            "hs2019",
        ]
    ),
    max_size=25,
).map("".join)
names = st.sampled_from(["Signature", "Signature-Input", "Host", "Date", "Digest", "Content-Digest", "X-Other"])
headers = st.lists(st.tuples(names, any_bytes | near_misses | st.text(max_size=40)), max_size=10)
bodies = st.none() | st.binary(max_size=20)


@settings(max_examples=600, deadline=None)
@given(headers, bodies, st.sampled_from(["GET", "POST", "DELETE"]))
def test_any_headers_are_answered(given_headers: list[tuple[str, str]], body: bytes | None, method: str) -> None:
    refuse(Message(method, "https://node.test/inbox?a=b", tuple(given_headers), body))


@settings(max_examples=600, deadline=None)
@given(any_bytes | near_misses, any_bytes | near_misses)
def test_a_bent_part_of_a_cavage_request_is_answered(inside: str, date: str) -> None:
    signature = f'keyId="https://good.test/k",{inside},headers="(request-target) host date",signature="YQ=="'
    given_headers = (("Host", "node.test"), ("Date", date), ("Signature", signature))
    refuse(Message("GET", "https://node.test/inbox", given_headers))


@settings(max_examples=600, deadline=None)
@given(any_bytes | near_misses, any_bytes | near_misses)
def test_a_bent_part_of_an_rfc9421_request_is_answered(inside: str, digest: str) -> None:
    inputs = f'sig1=("@method" "@target-uri" "content-digest" {inside});created=1772366400;keyid="https://good.test/k"'
    given_headers = (("Content-Digest", digest), ("Signature-Input", inputs), ("Signature", "sig1=:YQ==:"))
    refuse(Message("POST", "https://node.test/inbox", given_headers, b"{}"))


@given(any_bytes | near_misses)
def test_any_accept_signature_is_read_or_ignored(header: str) -> None:
    accept_signature(header)


def test_two_hundred_headers_and_long_ones_are_answered() -> None:
    many = tuple((f"X-{number}", "x" * 100) for number in range(200))
    covered = " ".join(f"x-{number}" for number in range(200))
    for header in ("x" * 20_000, f'keyId="k",headers="{covered}",signature="YQ=="', 'keyId="' + '\\"' * 4000):
        refuse(Message("POST", "https://node.test/inbox", (*many, ("Signature", header)), b""))


def refuse(message: Message) -> None:
    try:
        verify(parse_signature(message, now=NOW), KEY)
    except SignatureRefused as error:
        assert error.code in set(Refusal)
        assert error.http_status == 401
    else:
        raise AssertionError("nobody has this key")
