# What stands where a text cannot be shown. Everything else falls back to English first.
words-missing = Den här texten kan inte visas här. Vår support kan berätta vad som står i den.
