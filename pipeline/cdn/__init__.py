"""A CDN folder, read: what is published, wherever it lies. Nothing here writes.

What a place says is not believed before it looks as ours does: names lead nowhere else, what is
read is bounded.
"""
