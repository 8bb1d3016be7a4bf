# What stands where a text cannot be shown. Everything else falls back to English first.
words-missing = Dieser Text kann hier nicht angezeigt werden. Unser Support kann Ihnen sagen, was darin steht.
