//! What every letter keeps to, in every language.
