"""A body for each operation that takes one, as OpenAPI shows it. Those of ``/send`` are beside its model."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

_TEXT = {"type": "text", "content": "Hello {{name}}."}
_BLOCK = {"type": "channel", "channel": "email", "elements": [{"type": "meta", "title": "Welcome"}, _TEXT]}
_TEMPLATE = {
    "notification": {
        "name": "Welcome",
        "tags": ["onboarding"],
        "brand": None,
        "subscription": None,
        "routing": None,
        "content": {"version": "2022-01-01", "elements": [_BLOCK]},
    },
    "state": "PUBLISHED",
}
_BRAND = {
    "name": "Acme",
    "settings": {
        "colors": {"primary": "#0f766e", "secondary": "#475569"},
        "email": {"footer": {"markdown": "Acme, 1 Main Street"}},
    },
}
_PROVIDER = {
    "provider": "smtp",
    "alias": "main",
    "settings": {"host": "smtp.example.com", "from_address": "notify@example.com"},
}
_STRATEGY = {"name": "Email, then SMS", "routing": {"method": "single", "channels": ["email", "sms"]}}
_PROFILE = {"profile": {"email": "ada@example.com", "locale": "en"}}
_RECIPIENTS = {"recipients": [{"recipientId": "ada"}]}
_PATCH = {"patch": [{"op": "add", "path": "/properties", "value": {"app": "shop"}}]}
_WISH = {"topic_id": "pt_01", "status": "OPTED_OUT"}
_SECTION = {"name": "Orders", "has_custom_routing": True, "routing_options": ["email", "sms"]}
_TOPIC = {"name": "Shipping news", "default_status": "OPTED_IN", "include_unsubscribe_header": True}
_WEBHOOK = {"url": "https://example.com/notify", "title": "Shop", "events": ["message:updated"]}

BODIES: Mapping[str, Any] = MappingProxyType(
    {
        "profiles_merge": _PROFILE,
        "profiles_replace": _PROFILE,
        "profiles_patch": {"patch": [{"op": "add", "path": "/locale", "value": "de"}]},
        "profiles_lists_subscribe": {"lists": [{"listId": "orders.eu"}]},
        "users_tokens_put_several": {"tokens": [{"token": "a1b2", "provider_key": "expo"}]},
        "users_tokens_put": {"provider_key": "firebase-fcm", "device": {"platform": "android"}},
        "users_tokens_patch": _PATCH,
        "users_tenants_join_several": {"tenants": [{"tenant_id": "acme"}]},
        "users_tenants_join": {"profile": {"title": "Engineer"}},
        "users_preferences_update": {"topics": [_WISH]},
        "users_preferences_replace": {"topics": [_WISH]},
        "users_preferences_put": {"topic": {"status": "OPTED_OUT"}},
        "lists_put": {"name": "Orders, Europe"},
        "lists_subscriptions_add": _RECIPIENTS,
        "lists_subscriptions_replace": _RECIPIENTS,
        "lists_subscriptions_subscribe": {"preferences": {"categories": {"pt_01": {"status": "OPTED_IN"}}}},
        "audiences_put": {
            "name": "Engineers",
            "filter": {
                "operator": "AND",
                "filters": [{"operator": "EQ", "path": "title", "value": "Engineer"}],
            },
        },
        "tenants_put": {"name": "Acme", "properties": {"plan": "pro"}},
        "tenants_default_preferences_items_put_default": {"status": "OPTED_OUT"},
        "tenants_templates_put": {
            "template": {"content": {"version": "2022-01-01", "elements": [_BLOCK]}},
            "published": True,
        },
        "tenants_templates_publish": {"version": "v1"},
        "bulk_create": {
            "message": {"event": "welcome", "content": {"title": "Hi", "body": "Hello {{name}}."}}
        },
        "bulk_add": {"users": [{"profile": {"email": "ada@example.com"}, "data": {"name": "Ada"}}]},
        "auth_issue_token_issue": {"scope": "user_id:ada read:messages", "expires_in": "2 hours"},
        "providers_create": _PROVIDER,
        "providers_replace": _PROVIDER,
        "providers_patch": {"title": "Mail of the shop"},
        "providers_rate_limit_limit": {"rate_limit": {"rate": 50, "period": "second"}},
        "notifications_create": _TEMPLATE,
        "notifications_replace": _TEMPLATE,
        "notifications_publish": {"version": "draft"},
        "notifications_content_put": {"content": {"elements": [_TEXT]}, "state": "DRAFT"},
        "notifications_elements_put_element": {"type": "text", "data": {"content": "Good to see you."}},
        "notifications_locales_put_locale": {"elements": [{"id": "elem_01", "content": "Hallo {{name}}."}]},
        "notifications_checks_put": {"checks": [{"id": "legal", "type": "custom", "status": "RESOLVED"}]},
        "routing_strategies_create": _STRATEGY,
        "routing_strategies_replace": _STRATEGY,
        "brands_create": _BRAND,
        "brands_replace": _BRAND,
        "inbound_courier_track": {
            "event": "order.shipped",
            "messageId": "4711",
            "type": "track",
            "properties": {"order": 4711},
        },
        "limits_put": {"maximum": 100},
        "e_told": {"event": "CLICKED"},
        "pauses_pause": {"kind": "channel", "key": "sms", "reason": "The contract has ended."},
        "retries_retry": {"provider": "main", "since": "2026-01-12T08:00:00Z", "dryRun": True},
        "preferences_sections_create_section": _SECTION,
        "preferences_sections_replace_section": _SECTION,
        "preferences_sections_topics_create_topic": _TOPIC,
        "preferences_sections_topics_replace_topic": _TOPIC,
        "preferences_publish": {"heading": "What we may tell you"},
        "api_keys_create": {"name": "shop", "scopes": ["send", "read"]},
        "api_keys_rotate": {"overlap_s": 3600},
        "api_keys_expiry_expire": {"expires": 4_102_444_800_000},
        "webhooks_create": _WEBHOOK,
        "webhooks_replace": _WEBHOOK,
        "webhooks_rotate_secret_rotate": {"secret": None},
        "webhooks_pause": {"reason": "It is being moved."},
        "webhooks_replay": {"states": ["failed"]},
    }
)
"""By operation id."""
