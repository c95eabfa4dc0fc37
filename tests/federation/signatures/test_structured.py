"""Structured field values, by the examples of RFC 8941 and by what must not be read."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.signatures.structured import (
    BadField,
    InnerList,
    Item,
    Token,
    parse_dictionary,
    serialise_inner_list,
    serialise_parameters,
)


def test_a_dictionary_of_every_kind_is_read() -> None:
    members = parse_dictionary(
        'en="App\\"lix\\\\", da=:w4ZibGV0w6ZydGU=:,\ta=?0 , b, c;foo=bar, rating=1.5, feelings=(joy sadness), d=-7, e=*x/y:z'
    )
    assert members["en"] == Item('App"lix\\')
    assert members["da"] == Item("Æbletærte".encode())
    assert members["a"] == Item(False)
    assert members["b"] == Item(True)
    assert members["c"] == Item(True, {"foo": Token("bar")})
    assert members["rating"] == Item(Decimal("1.5"))
    assert members["feelings"] == InnerList((Item(Token("joy")), Item(Token("sadness"))))
    assert members["d"] == Item(-7)
    assert members["e"] == Item(Token("*x/y:z"))


def test_inner_lists_keep_their_parameters_in_order() -> None:
    text = '("a";x=1;y "b" );z;created=1;keyid="k"'
    [member] = parse_dictionary(f"sig={text}").values()
    assert isinstance(member, InnerList)
    assert serialise_inner_list(member) == '("a";x=1;y "b");z;created=1;keyid="k"'


def test_nothing_is_an_empty_dictionary() -> None:
    assert parse_dictionary("") == parse_dictionary("  ") == {}


@pytest.mark.parametrize(
    "text",
    [
        "A=1",
        "a=",
        "a=1,",
        "a=1 b=2",
        "a=1,,b=2",
        "a==1",
        "a=1, a=2",
        "a;x=1;x=2",
        'a="',
        'a="\\x"',
        'a="é"',
        'a="\t"',
        "a=:YQ:",
        "a=:Y Q==:",
        "a=:YQ==",
        "a=?2",
        "a=?",
        "a=1234567890123456",
        "a=1234567890123.1",
        "a=1.",
        "a=1.2345",
        "a=-",
        "a=--1",
        "a=(1",
        "a=(1,2)",
        "a=(1(2))",
        'a=("x""y")',
        "a=()x",
        "a=1;",
        "a=1;=2",
        "a=@1",
        "a=é",
        "\ta=1",
        "a=1\n",
        'a="' + "1" * 9000 + '"',
    ],
)
def test_what_is_no_dictionary_is_not_read(text: str) -> None:
    with pytest.raises(BadField):
        parse_dictionary(text)


@given(st.text() | st.text(alphabet='abz0159"\\:;=?()., \t-*', max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parse_dictionary(text)
    except BadField:
        pass


KEYS = st.from_regex(r"[a-z*][a-z0-9_.*-]{0,8}", fullmatch=True)
VALUES = (
    st.integers(-(10**15) + 1, 10**15 - 1)
    | st.booleans()
    | st.binary(max_size=20)
    | st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=20)
    | st.from_regex(r"[A-Za-z*][A-Za-z0-9:/!#%&'*+.^_`|~$-]{0,8}", fullmatch=True).map(Token)
    | st.decimals(-(10**12) + 1, 10**12 - 1, places=3)
)
PARAMETERS = st.dictionaries(KEYS, VALUES, max_size=3)


@given(st.builds(InnerList, st.lists(st.builds(Item, VALUES, PARAMETERS), max_size=4).map(tuple), PARAMETERS))
def test_what_is_written_is_read_back(members: InnerList) -> None:
    assert parse_dictionary(f"x={serialise_inner_list(members)}") == {"x": members}


def test_a_string_that_cannot_be_sent_is_not_written() -> None:
    with pytest.raises(BadField):
        serialise_parameters({"a": "é"})
