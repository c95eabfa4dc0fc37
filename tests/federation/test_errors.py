"""Every error carries a code and the status an inbox answers with."""

import pytest

from federation import errors

EXPECTED = {
    errors.Malformed: 400,
    errors.TooLarge: 413,
    errors.WrongMediaType: 415,
    errors.SignatureRefused: 401,
    errors.KeyUnavailable: 503,
    errors.KeyGone: 401,
    errors.NotAuthorized: 403,
    errors.KeyNotOwned: 403,
    errors.AddressRefused: 403,
    errors.FetchFailed: 502,
    errors.LookupFailed: 404,
}


@pytest.mark.parametrize(("kind", "status"), EXPECTED.items())
def test_each_error_is_a_federation_error_with_a_status_and_a_code(kind: type[errors.FederationError], status: int) -> None:
    error = kind("what happened", code="special_case")
    assert isinstance(error, errors.FederationError)
    assert kind.http_status == status
    assert error.code == "special_case"
    assert str(error) == "what happened"
    assert kind("again").code == kind.default_code != "federation_error"


def test_errors_carry_their_data() -> None:
    assert errors.KeyUnavailable("later", retry_after=30).retry_after == 30
    assert errors.AddressRefused("no", host="evil.test", address="127.0.0.1").address == "127.0.0.1"
    failed = errors.FetchFailed("no", url="https://evil.test/", status=500, reason="error", temporary=True)
    assert (failed.url, failed.status, failed.reason, failed.temporary) == ("https://evil.test/", 500, "error", True)
    alien = errors.KeyNotOwned("no", key_id="https://evil.test/k", owner="https://victim.test/a")
    assert isinstance(alien, errors.NotAuthorized)
    assert (alien.key_id, alien.owner) == ("https://evil.test/k", "https://victim.test/a")


def test_every_error_is_in_the_drawn_tree() -> None:
    kinds = {kind.__name__ for kind in EXPECTED}
    assert all(name in (errors.__doc__ or "") for name in kinds)
