# What stands where a text cannot be shown. Everything else falls back to English first.
words-missing = This text cannot be shown here. Our support can tell you what it says.
