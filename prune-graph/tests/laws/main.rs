//! Classes, families, counts and searches against naive computations on generated graphs.

mod case;
mod generated;
mod stated;
