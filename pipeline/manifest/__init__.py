"""What ``manifest.json`` and ``page.json`` hold, as types: their JSON Schemas are made of these.

They are ``TypedDict``s and not models, since a reader takes a manifest as it is: an older one lacks
keys, a newer one has more, and a build with nothing to do reads one without importing pydantic.
"""
