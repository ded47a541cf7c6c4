"""``POST /auth/issue-token``: client tokens for apps that run where no API key may be."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from notify.api.auth import DOCUMENTED, Authenticated
from notify.api.errors import RESPONSES
from notify.manage import client_tokens

# No idempotent route: it keeps the answer, and one with a token is not for keeping. A second is harmless.
router = APIRouter(tags=["auth"], prefix="/auth", responses=RESPONSES, dependencies=[DOCUMENTED])


class IssueBody(BaseModel):
    scope: Annotated[str, Field(max_length=10_000)] = Field(
        examples=["user_id:ada write:user-tokens read:preferences"],
        description="By spaces; `user_id:<id>` names a user the token is for, and may be repeated.",
    )
    expires_in: Annotated[str, Field(max_length=40)] | int | float = Field(
        examples=["2 hours", "1d", 3600], description="A span, or seconds; at most a year."
    )


class IssuedToken(BaseModel):
    token: str


@router.post("/issue-token")
def issue(body: IssueBody, caller: Authenticated) -> IssuedToken:
    """A signed token (JWT) for single users; it opens only what its scopes name."""
    token = client_tokens.issue(
        caller.world, caller.mode, caller.key_id, caller.scopes, body.scope, body.expires_in
    )
    return IssuedToken(token=token)
