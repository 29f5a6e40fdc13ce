//! Loops compiled for the widest vectors that the machine has.
//!
//! The crate is built for the oldest processor of its target, and so the compiler may use 128-bit vectors at most.
//! `pulp` looks once which instruction set is there and calls a copy of the closure that was compiled for it. No loop
//! here reorders a sum, so that every instruction set gives the same result.

/// Runs `work` with the widest vector instructions. What it calls must be inlined to profit.
#[inline(always)]
pub(super) fn vectorised<R>(work: impl FnOnce() -> R) -> R {
    struct Work<F>(F);
    impl<R, F: FnOnce() -> R> pulp::WithSimd for Work<F> {
        type Output = R;
        #[inline(always)]
        fn with_simd<S: pulp::Simd>(self, _: S) -> R {
            (self.0)()
        }
    }
    pulp::Arch::new().dispatch(Work(work))
}
