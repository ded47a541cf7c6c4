"""What every registered provider must do: cases of its own, settings, profile."""

from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from notify.errors import InvalidRequest
from notify.providers.base import load_settings
from notify.providers.registry import REGISTRY

from .cases import Cases, cases_of
from .contract import EACH


@pytest.mark.parametrize("key", sorted(REGISTRY))
def test_every_registered_provider_has_cases(key: str) -> None:
    cases = cases_of(key)
    assert cases.key == key == REGISTRY[key].key
    assert cases.sends
    assert cases.answers
    assert REGISTRY[key].name
    assert REGISTRY[key].description
    assert REGISTRY[key].channels


@EACH
def test_every_missing_setting_is_named_at_once(cases: Cases) -> None:
    if not cases.required:
        pytest.skip("nothing is required")
    with pytest.raises(InvalidRequest) as caught:
        load_settings(cases.provider, {})
    for name in cases.required:
        assert f"settings.{name}" in str(caught.value)


@EACH
def test_secrets_are_marked_and_never_shown(cases: Cases) -> None:
    settings = cases.loaded()
    shown = repr(settings) + str(settings) + repr(dict(settings))
    marked = {name: value for name, value in cases.settings.items() if name in settings.secret_fields()}
    for secret in cases.secrets:
        assert secret not in shown
        assert secret in orjson.dumps(marked).decode()


@EACH
def test_a_wrong_setting_does_not_echo_secrets(cases: Cases) -> None:
    for name in type(cases.loaded()).secret_fields():
        with pytest.raises(InvalidRequest) as caught:
            load_settings(cases.provider, {**cases.settings, name: ["hush-hush"]})
        assert "hush-hush" not in str(caught.value)


@EACH
@pytest.mark.parametrize(
    "limit",
    [{"rate": 2000, "period": "second"}, {"rate": 0, "period": "hour"}, {"rate": 1, "period": "year"}],
)
def test_rate_limits_out_of_bounds_are_refused(cases: Cases, limit: Mapping[str, Any]) -> None:
    assert cases.loaded(rate_limit={"rate": 10, "period": "second"}).rate_limit is not None
    with pytest.raises(InvalidRequest, match=r"settings\.rate_limit"):
        cases.loaded(rate_limit=limit)


@EACH
def test_a_profile_suffices_or_says_what_it_lacks(cases: Cases) -> None:
    for send in cases.sends:
        assert cases.provider.missing(send.profile, cases.channel, cases.loaded(**send.settings)) is None
    for profile in cases.incomplete:
        assert cases.provider.missing(profile, cases.channel, cases.loaded())
