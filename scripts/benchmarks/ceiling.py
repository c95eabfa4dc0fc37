"""What this machine can do at best: signatures per second of one core, with `cryptography` and nothing around it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

from scripts.benchmarks.report import Figure

TEXT = b"(request-target): post /inbox\nhost: example.com\ndate: Sun, 01 Jan 2026 00:00:00 GMT\ndigest: SHA-256=" + b"x" * 44


@dataclass(frozen=True)
class Ceiling:
    """Operations per CPU-second of one core."""

    rsa_sign: float
    rsa_verify: float
    ed25519_sign: float
    ed25519_verify: float

    def figures(self) -> list[Figure]:
        return [
            Figure("ceiling", "RSA-2048 SHA-256 signatures", self.rsa_sign, "/CPU-s"),
            Figure("ceiling", "RSA-2048 SHA-256 verifications", self.rsa_verify, "/CPU-s"),
            Figure("ceiling", "Ed25519 signatures", self.ed25519_sign, "/CPU-s"),
            Figure("ceiling", "Ed25519 verifications", self.ed25519_verify, "/CPU-s"),
        ]


def measure(seconds: float = 1.0) -> Ceiling:
    """Measure for `seconds` of CPU per operation."""
    rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    signature = rsa_key.sign(TEXT, padding.PKCS1v15(), hashes.SHA256())
    rsa_public = rsa_key.public_key()
    ed_key = ed25519.Ed25519PrivateKey.generate()
    ed_signature = ed_key.sign(TEXT)
    ed_public = ed_key.public_key()
    return Ceiling(
        rsa_sign=rate(lambda: rsa_key.sign(TEXT, padding.PKCS1v15(), hashes.SHA256()), seconds),
        rsa_verify=rate(lambda: rsa_public.verify(signature, TEXT, padding.PKCS1v15(), hashes.SHA256()), seconds),
        ed25519_sign=rate(lambda: ed_key.sign(TEXT), seconds),
        ed25519_verify=rate(lambda: ed_public.verify(ed_signature, TEXT), seconds),
    )


def rate(act: Callable[[], object], seconds: float) -> float:
    """Return how often `act` can be done in a second of this process's CPU."""
    act()
    begun, done = time.process_time(), 0
    while (spent := time.process_time() - begun) < seconds:
        for _ in range(20):
            act()
        done += 20
    return done / spent
