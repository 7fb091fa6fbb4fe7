"""Encoder, classifier, vocabulary, prediction, and what runs share in memory."""
