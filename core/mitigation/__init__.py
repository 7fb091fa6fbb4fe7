"""Ways to train, or to correct a trained model, against the skew: a file each."""
