"""How good the finished model is: the released program on sessions composed of the test set.

Nothing here is shared with training but the list of phrases: rooms, noises and timing are made by other code with other
parameters.
"""
