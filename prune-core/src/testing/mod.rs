//! Testing tools for this crate and for backends outside it: generators that reach the hard places, an oracle that
//! sorts everything, and the conformance suite that [`conformance_tests!`](crate::conformance_tests) stamps on a
//! backend with one line. They need the feature `testing`, since they depend on proptest.

pub mod conformance;
pub mod generators;
mod laws;
pub mod oracle;
pub mod structures;
