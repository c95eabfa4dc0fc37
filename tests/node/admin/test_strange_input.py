"""Whatever stands in an address or a form: a page, a redirect or an honest refusal, never a breakdown."""

from tests.node.admin.test_guards import BUTTONS, EVERY

STRANGE = (
    "\0",
    "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
    "%",
    "_",
    "'",
    "a" * 5000,
    "9" * 30,
    "-1",
    "../..",
    "<b>",
)
QUERIES = ("q", "role", "state", "after", "host", "direction", "before", "kind", "peer", "type", "audience", "actor", "email")
FIELDS = (
    "name",
    "role",
    "email",
    "note",
    "host",
    "state",
    "public_reason",
    "expires",
    "widest",
    "text",
    "accent",
    "contact",
    "languages",
    "default_language",
    "back",
)


def is_honest(answer):
    return answer.status_code < 500


def test_strange_words_in_an_address_break_no_page(admin):
    broken = []
    for method, path in EVERY:
        if method != "GET" or path.endswith(".json"):
            continue
        for word in STRANGE:
            answer = admin.get(path, query_string=dict.fromkeys(QUERIES, word))
            if not is_honest(answer):
                broken.append((path, word[:20], answer.status_code))
    assert broken == []


def test_strange_words_in_a_form_break_nothing(admin):
    token, broken = admin.token(), []
    for path in BUTTONS:
        if path.startswith("/admin/mode"):
            continue
        for word in STRANGE:
            answer = admin.post(path, dict.fromkeys(FIELDS, word), token=token)
            if not is_honest(answer):
                broken.append((path, word[:20], answer.status_code))
    assert broken == []


def test_ids_and_hosts_there_cannot_be_are_not_there(admin):
    token = admin.token()
    for number in ("0", "9" * 18, "9" * 30):
        for path in (f"/admin/members/{number}", f"/admin/members/{number}/suspend", f"/admin/reports/{number}"):
            assert admin.get(path).status_code == 404, path
        for path in (f"/admin/members/{number}/role", f"/admin/invitations/{number}/revoke", f"/admin/reports/{number}/close",
                     f"/admin/deliveries/{number}/resend", f"/admin/jobs/receipts/{number}/retry"):  # fmt: skip
            assert admin.post(path, token=token).status_code == 404, path
    for host in ("%00", "a" * 300, "a%20b", "-", "..", "xn--"):
        assert admin.get(f"/admin/peers/at/{host}/blocked").status_code == 404, host
