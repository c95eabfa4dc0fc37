"""Keys: made, read, refused, and written as Multikey."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from federation.errors import Malformed
from federation.keys import (
    KeyAlgorithm,
    algorithm_of,
    decode_multibase,
    decode_multikey,
    encode_base58,
    encode_multikey,
    generate_ed25519,
    generate_rsa,
    load_private,
    load_public,
    public_pem,
)

# The key of RFC 9421 B.1.4 and of the FEP-8b32 and did:key examples.
DID_KEY = "z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2"


def pem_of(numbers: RSAPublicNumbers) -> str:
    return numbers.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.mark.parametrize(("generate", "algorithm"), [(generate_rsa, "rsa"), (generate_ed25519, "ed25519")])
def test_a_pair_is_two_halves_of_one_key(generate, algorithm) -> None:
    pair = generate()
    public, private = load_public(pair.public_pem), load_private(pair.private_pem)
    assert public_pem(private.public_key()) == public_pem(public) == pair.public_pem
    assert algorithm_of(public) == algorithm_of(private) == KeyAlgorithm(algorithm)
    assert decode_multikey(encode_multikey(public)) == public
    assert "PRIVATE" not in repr(pair)


def test_a_key_is_parsed_once() -> None:
    pair = generate_ed25519()
    assert load_public(pair.public_pem) is load_public("".join(pair.public_pem))
    assert load_private(pair.private_pem) is load_private("".join(pair.private_pem))


def test_pkcs1_is_read_as_some_peers_write_it() -> None:
    key = load_public(generate_rsa().public_pem)
    pem = key.public_bytes(Encoding.PEM, PublicFormat.PKCS1).decode()
    assert load_public(pem) == key


@pytest.mark.parametrize("pem", ["", "x", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "é", "x" * 9000])
def test_what_is_no_key_is_malformed(pem: str) -> None:
    with pytest.raises(Malformed) as public:
        load_public(pem)
    with pytest.raises(Malformed) as private:
        load_private(pem)
    assert public.value.code == private.value.code == "bad_key"


def test_keys_that_are_weak_costly_or_of_another_kind_are_refused() -> None:
    curve = ec.generate_private_key(ec.SECP256R1())
    numbers = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key().public_numbers()
    refused = [
        curve.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
        pem_of(RSAPublicNumbers(e=(1 << 40) + 15, n=numbers.n)),
        pem_of(RSAPublicNumbers(e=65537, n=(1 << 9000) + 1)),
    ]
    for pem in refused:
        with pytest.raises(Malformed):
            load_public(pem)
    with pytest.raises(Malformed):
        load_private(curve.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


def test_a_private_key_is_not_read_as_a_public_one() -> None:
    with pytest.raises(Malformed):
        load_public(generate_ed25519().private_pem)


def test_the_multikey_of_the_examples_is_read_and_written() -> None:
    key = decode_multikey(DID_KEY)
    assert algorithm_of(key) is KeyAlgorithm.ED25519
    assert encode_multikey(key) == DID_KEY


@pytest.mark.parametrize("text", ["", "z", "z1", DID_KEY[1:], DID_KEY[:-1], DID_KEY + "1", "z0OIl", "zé", "z" * 3000])
def test_what_is_no_multikey_is_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        decode_multikey(text)


@given(st.binary(max_size=64))
def test_base58_is_read_back(raw: bytes) -> None:
    assert decode_multibase("z" + encode_base58(raw)) == raw


@given(st.text(max_size=60))
def test_any_text_is_a_multikey_or_malformed(text: str) -> None:
    try:
        decode_multikey(text)
    except Malformed:
        pass
