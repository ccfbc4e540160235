"""What is in a data set, found from a sample of it in a few seconds: no TensorFlow, no Beam."""
