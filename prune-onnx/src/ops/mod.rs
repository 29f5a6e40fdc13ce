//! Operators: a file and a line each.
