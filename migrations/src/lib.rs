//! The steps of keypulse's database schema, oldest first. A released step is frozen.
