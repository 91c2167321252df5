"""Renders templates with Python's Jinja2: a JSON list of {source, params} on stdin, a JSON list of texts on stdout."""

import json
import sys

import jinja2


def literal(value):
    """A value as SQL: the filter that Sluice adds to the language."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return f"({value})" if value < 0 else str(value)
    if isinstance(value, (list, tuple)):
        return "(" + ", ".join(literal(item) for item in value) + ")"
    return "'" + value.replace("'", "''") + "'"


def identifier(value):
    """A name as SQL; a list is a path."""
    parts = value if isinstance(value, (list, tuple)) else [value]
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)


environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False, keep_trailing_newline=True)
environment.filters.update(literal=literal, identifier=identifier)
json.dump([environment.from_string(each["source"]).render(each["params"]) for each in json.load(sys.stdin)], sys.stdout)
