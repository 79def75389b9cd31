"""Moshibar against Kyutai's programs on checkpoints made for the occasion: equal tokens, equal codes, equal speech."""
