"""The corpus of tsumugi-mini: seeded grammars that write English and Japanese documents without end."""
