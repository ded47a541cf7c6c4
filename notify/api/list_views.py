"""Lists and subscriptions as the API takes and shows them."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field

from notify.api.paging import Paging
from notify.api.storable import storable
from notify.model.wire_preferences import RecipientPreferences
from notify.store.lists import StoredList, Subscription

UserId = Annotated[str, Field(min_length=1, max_length=512), AfterValidator(storable)]
Preferences = Annotated[RecipientPreferences, BeforeValidator(storable)]
MAX_RECIPIENTS = 50_000


class ListBody(BaseModel):
    name: Annotated[str, Field(max_length=512), AfterValidator(storable)] = Field(examples=["Orders, Europe"])
    preferences: Preferences | None = None


class ListView(BaseModel):
    """Times: ISO 8601, UTC."""

    id: str = Field(examples=["orders.eu"])
    name: str
    created: str
    updated: str


class ListPage(BaseModel):
    paging: Paging
    items: list[ListView]


class Recipient(BaseModel):
    recipientId: UserId
    preferences: Preferences | None = None


class RecipientsBody(BaseModel):
    recipients: Annotated[list[Recipient], Field(max_length=MAX_RECIPIENTS)] = Field(
        examples=[[{"recipientId": "user-1"}, {"recipientId": "user-2"}]]
    )


class SubscriptionBody(BaseModel):
    preferences: Preferences | None = None


class SubscriptionView(BaseModel):
    recipientId: str
    created: str
    preferences: RecipientPreferences | None = None


class SubscriptionPage(BaseModel):
    paging: Paging
    items: list[SubscriptionView]


class UserListItem(BaseModel):
    listId: Annotated[str, Field(max_length=512), AfterValidator(storable)]
    preferences: Preferences | None = None


class UserListsBody(BaseModel):
    lists: Annotated[list[UserListItem], Field(max_length=1000)] = Field(examples=[[{"listId": "orders.eu"}]])


class UserListView(ListView):
    preferences: RecipientPreferences | None = Field(default=None, description="Of the subscription.")


class UserListPage(BaseModel):
    paging: Paging
    results: list[UserListView]


class Success(BaseModel):
    status: Literal["SUCCESS"] = "SUCCESS"


def shown(found: StoredList) -> ListView:
    return ListView(
        id=found.id,
        name=found.name,
        created=found.created_at.isoformat(),
        updated=found.updated_at.isoformat(),
    )


def subscription(found: Subscription) -> SubscriptionView:
    return SubscriptionView(
        recipientId=found.user_id, created=found.created_at.isoformat(), preferences=_read(found.preferences)
    )


def of_user(found: Subscription) -> UserListView:
    assert found.list
    return UserListView(**shown(found.list).model_dump(), preferences=_read(found.preferences))


def _read(stored: Mapping[str, Any] | None) -> RecipientPreferences | None:
    return RecipientPreferences.model_validate(stored) if stored else None


def written(given: RecipientPreferences | None) -> dict[str, Any] | None:
    """As it is stored."""
    return given.model_dump(exclude_none=True) or None if given else None


def users(body: RecipientsBody) -> dict[str, dict[str, Any] | None]:
    """By user; of one who is named twice, the last."""
    return {one.recipientId: written(one.preferences) for one in body.recipients}


def wanted(items: Sequence[UserListItem]) -> dict[str, dict[str, Any] | None]:
    """By list."""
    return {one.listId: written(one.preferences) for one in items}
