//! What is free, and what may be held.
