"""Which addresses may be dialled (abuse cases F01-F04), and how operators name addresses and hosts."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.addresses import AddressPolicy, Endpoint, allowed, hosts_resolver, parse_addresses, resolve_nothing
from federation.errors import AddressRefused

LOOPBACK_AND_PRIVATE = (
    "127.0.0.1",
    "127.255.0.9",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.9.9",
    "192.168.1.1",
    "100.64.0.1",
    "::1",
    "fd12::1",
)
NEVER = (
    "0.0.0.0", "0.1.2.3", "169.254.169.254", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255", "192.0.0.192",
    "192.88.99.1", "198.18.0.1", "198.19.255.1", "203.0.113.1", "192.0.2.1", "198.51.100.1", "192.31.196.1", "192.52.193.1",
    "192.175.48.1", "::", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2001::1", "2001:db8::1",
    "2001:10::1", "3fff::1", "2620:4f:8000::1", "fec0::1", "fe80::1", "fe80::1%lo", "2a00:1450::1%lo", "ff02::1", "100::1",
    "5f00::1", "fd00:ec2::254", "::ffff:0:7f00:1",
)  # fmt: skip
PUBLIC = (
    "1.1.1.1",
    "9.9.9.9",
    "100.128.0.1",
    "172.32.0.1",
    "192.0.1.1",
    "198.20.0.1",
    "2606:4700::1",
    "2a00:1450:4001::1",
    "2620:4e::1",
)
NO_ADDRESSES = (
    "",
    "127.1",
    "0x7f.1",
    "2130706433",
    "0177.0.0.1",
    "0",
    "①②⑦.0.0.1",
    "localhost",
    "1.1.1.1 ",
    "[::1]",
    "1.1.1.1:80",
    "01.1.1.1",
)


@pytest.mark.parametrize("ip", LOOPBACK_AND_PRIVATE + NEVER + NO_ADDRESSES)
def test_what_is_not_plainly_public_is_refused(ip: str) -> None:
    assert not allowed(ip)
    with pytest.raises(AddressRefused) as caught:
        AddressPolicy().check(ip, 443, host="evil.test")
    assert (caught.value.host, caught.value.address) == ("evil.test", ip)


@pytest.mark.parametrize("ip", PUBLIC)
def test_public_addresses_are_allowed_on_the_web_ports(ip: str) -> None:
    policy = AddressPolicy()
    assert allowed(ip)
    assert policy.permits(ip, 443) and policy.permits(ip, 80)
    assert not any(policy.permits(ip, port) for port in (0, 22, 25, 6379, 8080, 8443))


@pytest.mark.parametrize("ip", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "0.0.0.0"])
def test_an_ipv4_address_in_ipv6_clothes_is_what_it_is(ip: str) -> None:
    assert not allowed(f"::ffff:{ip}")
    assert allowed("::ffff:1.1.1.1")
    assert AddressPolicy(allow_listed=frozenset({Endpoint(ip, 80)})).permits(f"::ffff:{ip}", 80)


@given(st.ip_addresses())
def test_nothing_private_to_python_is_allowed(address: object) -> None:
    ip = ip_address(str(address))
    ip = getattr(ip, "ipv4_mapped", None) or ip
    if ip.is_private or ip.is_loopback or ip.is_link_local or ip.is_multicast or ip.is_reserved or ip.is_unspecified:
        assert not allowed(str(ip))


@given(st.text(max_size=50))
def test_any_text_has_an_answer(text: str) -> None:
    allowed(text)


@pytest.mark.parametrize("ip", LOOPBACK_AND_PRIVATE)
def test_private_addresses_open_on_every_port_where_the_operator_says_so(ip: str) -> None:
    policy = AddressPolicy(allow_private=True)
    assert policy.permits(ip, 443) and policy.permits(ip, 34_567) and policy.permits("1.1.1.1", 8443)


@pytest.mark.parametrize("ip", NEVER + NO_ADDRESSES)
def test_metadata_multicast_and_reserved_stay_shut_even_then(ip: str) -> None:
    assert not AddressPolicy(allow_private=True).permits(ip, 80)


def test_a_listed_pair_is_open_and_its_neighbours_are_not() -> None:
    policy = AddressPolicy(allow_listed=parse_addresses("127.0.0.2:4433, [::1]:8443"))
    assert policy.permits("127.0.0.2", 4433) and policy.permits("::1", 8443) and policy.permits("0:0::1", 8443)
    assert not any(policy.permits(*pair) for pair in (("127.0.0.2", 80), ("127.0.0.3", 4433), ("::1", 80)))


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1",
        "host:80",
        "[::1]",
        "::1:80",
        "127.0.0.1:0",
        "127.0.0.1:65536",
        "127.0.0.1:x",
        "[::1:80",
        "[::1]80",
        "127.0.0.1:²",
    ],
)
def test_a_list_of_addresses_that_makes_no_sense_is_said_so(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no (ip:port|port)"):
        parse_addresses(f"127.0.0.1:80,{text}")


def test_an_empty_list_of_addresses_is_empty() -> None:
    assert parse_addresses(" , ") == frozenset()


def test_a_hosts_file_maps_names_and_ports() -> None:
    resolve = hosts_resolver(
        "# peers\n\nGood.Test 127.0.0.2:4433\ngood.test:8443 127.0.0.3:1\nsix.test [::1]:9  # comment\nplain.test 10.0.0.7\n"
        "six.test ::2\nbare6.test [::3]\n",
        resolve_nothing,
    )
    assert resolve("good.test", 443) == [Endpoint("127.0.0.2", 4433)]
    assert resolve("GOOD.test.", 80) == [Endpoint("127.0.0.2", 4433)]
    assert resolve("good.test", 8443) == [Endpoint("127.0.0.3", 1)]
    assert resolve("six.test", 443) == [Endpoint("::1", 9), Endpoint("::2", 443)]
    assert resolve("plain.test", 80) == [Endpoint("10.0.0.7", 80)]
    assert resolve("bare6.test", 443) == [Endpoint("::3", 443)]
    assert resolve("other.test", 443) == []


def test_names_the_hosts_file_does_not_mention_go_elsewhere() -> None:
    resolve = hosts_resolver("a.test 127.0.0.2:1", lambda host, port: [Endpoint("9.9.9.9", port)])
    assert resolve("b.test", 443) == [Endpoint("9.9.9.9", 443)]


@pytest.mark.parametrize(
    "line",
    [
        "good.test",
        "good.test evil.test:1",
        "good.test 127.0.0.1:1 x",
        ":443 127.0.0.1:1",
        "a.test:x 127.0.0.1:1",
        "a.test 127.0.0.1:99999",
    ],
)
def test_a_hosts_line_that_makes_no_sense_is_named(line: str) -> None:
    with pytest.raises(ValueError, match="line 2"):
        hosts_resolver(f"ok.test 127.0.0.1:1\n{line}\n", resolve_nothing)
