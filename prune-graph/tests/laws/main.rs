//! Classes, families, counts and searches, compared with naive computations on generated graphs.

mod case;
mod generated;
mod stated;
