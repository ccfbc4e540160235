"""ReviewExampleGen: reads a data set and writes its splits as tf.Examples."""
