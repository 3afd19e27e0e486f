"""The search of a list in the admin: a part of a name or address, or a whole id.

Django's own search joins every table that it looks into and removes duplicates afterwards, which takes seconds with
100,000 users. Here each other table is asked for itself, by an index, for the rows that have the text. Parts of texts
have trigram indexes on PostgreSQL (`common.trigrams`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import Model, Q, QuerySet

from common.query import number

MOST_RELATED = 500
"""Rows of another table that a search follows."""

_LONGEST = 255
_TRIGRAM = 3


@dataclass(frozen=True)
class Related:
    """Another table that has the text: rows whose `column` is among `value` of its rows belong to the answer.

    `texts` are searched for a part, `exact` for the whole text.
    """

    column: str
    model: type[Model]
    value: str
    texts: tuple[str, ...] = ()
    exact: tuple[str, ...] = ()


@dataclass(frozen=True)
class ListSearch:
    """What the search of a list looks into: `texts` for a part, `exact` for a whole text, `uuids` and `numbers`."""

    texts: tuple[str, ...] = ()
    exact: tuple[str, ...] = ()
    uuids: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    related: tuple[Related, ...] = field(default=())

    def find(self, rows: QuerySet[Any], typed: str) -> tuple[QuerySet[Any], bool]:
        """The rows that have the text, and whether there may be more of them than were found.

        It takes a query for each related table, and none of them looks at a whole table on PostgreSQL.
        """
        # PostgreSQL refuses a text with a null character.
        text = " ".join(typed.replace("\0", " ").split())[:_LONGEST]
        found, is_more = _texts(self.texts, text) | _exact(self.exact, text), False
        uuid, digits = _uuid(text), number(text)
        if uuid:
            found |= _any(Q(**{name: uuid}) for name in self.uuids)
        if digits:
            found |= _any(Q(**{name: digits}) for name in self.numbers)
        for each in self.related:
            values = _values(each, text)
            is_more |= len(values) > MOST_RELATED
            if values:
                found |= Q(**{f"{each.column}__in": values[:MOST_RELATED]})
        return (rows.filter(found) if found else rows.none()), is_more


def text_columns(model: type[Model], search: ListSearch) -> set[tuple[str, str]]:
    """Table and column of each text that is searched for a part: what needs a trigram index."""
    own = {_column(model, name) for name in search.texts}
    return own.union(*({_column(each.model, name) for name in each.texts} for each in search.related))


def _column(model: type[Model], path: str) -> tuple[str, str]:
    *relations, name = path.split("__")
    for relation in relations:
        model = model._meta.get_field(relation).related_model  # type: ignore[assignment]  # a relation has a model
    column: str = model._meta.get_field(name).column  # type: ignore[union-attr,assignment]  # a column of its table
    return model._meta.db_table, column


def _values(related: Related, text: str) -> list[Any]:
    rows = related.model._default_manager.filter(_texts(related.texts, text) | _exact(related.exact, text))
    return list(rows.order_by().values_list(related.value, flat=True)[: MOST_RELATED + 1])


def _texts(names: tuple[str, ...], text: str) -> Q:
    """A part of a text; of one that is too short for a trigram, the beginning."""
    how = "icontains" if len(text) >= _TRIGRAM else "istartswith"
    return _any(Q(**{f"{name}__{how}": text}) for name in names)


def _exact(names: tuple[str, ...], text: str) -> Q:
    return _any(Q(**{name: text}) for name in names)


def _any(conditions: Any) -> Q:
    found = Q()
    for condition in conditions:
        found |= condition
    return found


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
