"""What the tables are made of."""

from sqlalchemy import Column, DateTime, MetaData, Text, text
from sqlalchemy.dialects.postgresql import JSONB, UUID
from sqlalchemy.types import UserDefinedType

METADATA = MetaData()


class XID8(UserDefinedType[str]):
    """A transaction's id, which never wraps around."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        """Its name in PostgreSQL."""
        return "xid8"


NOW = text("now()")


def at_column(name: str, *, required: bool = False) -> Column[object]:
    """A moment, in UTC."""
    return Column(name, DateTime(timezone=True), nullable=not required)


def text_column(name: str, *, required: bool = True) -> Column[str]:
    """A text of any length."""
    return Column(name, Text, nullable=not required)


def json_column(name: str, *, required: bool = True) -> Column[object]:
    """A JSON value; None is SQL's NULL."""
    return Column(name, JSONB(none_as_null=True), nullable=not required)


def uuid_column(name: str, *, required: bool = True) -> Column[object]:
    """A UUID, by which partitions and other tables know a row."""
    return Column(name, UUID, nullable=not required)


def id_column(name: str, *, required: bool = True) -> Column[str]:
    """Ids that people choose; they sort by their bytes."""
    return Column(name, Text(collation="C"), nullable=not required)


def made_column(name: str) -> Column[object]:
    """When a row was made or changed, by the database's clock."""
    return Column(name, DateTime(timezone=True), nullable=False, server_default=NOW)
