"""Speech for training and tests, made by free synthesisers: the replies, the corpus, the test set."""
