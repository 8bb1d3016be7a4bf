# What stands where a text cannot be shown. Everything else falls back to English first.
words-missing = Denne tekst kan ikke vises her. Vores support kan fortælle dig, hvad der står i den.
