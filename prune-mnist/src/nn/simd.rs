//! Loops compiled for the widest vectors that the machine has.
//!
//! The crate is built for the oldest processor of its target, so the compiler may use 128-bit vectors at most. `pulp`
//! checks the instruction set once, and calls the copy of a loop that was compiled for it. No loop here reorders a
//! sum, so every instruction set gives the same result.

/// Defines a function whose body is compiled once for each instruction set; a call runs the best.
///
/// Functions that the body calls must be `#[inline(always)]`, or they are compiled for the oldest processor. That is
/// also the reason for a macro: a closure given to `pulp` is inlined only if the compiler thinks it small.
///
/// References in the arguments name the lifetime `'a`.
macro_rules! vectorised {
    ($(#[$attribute:meta])* $visibility:vis fn $name:ident<'a, T>($($argument:ident: $type:ty),* $(,)?) $body:block) => {
        $(#[$attribute])*
        $visibility fn $name<'a, T: $crate::nn::real::Real>($($argument: $type),*) {
            struct Kernel<'a, T> {
                $($argument: $type,)*
                lifetime: std::marker::PhantomData<&'a T>,
            }
            impl<'a, T: $crate::nn::real::Real> pulp::WithSimd for Kernel<'a, T> {
                type Output = ();
                #[inline(always)]
                fn with_simd<S: pulp::Simd>(self, _: S) {
                    let Self { $($argument,)* lifetime: _ } = self;
                    $body
                }
            }
            pulp::Arch::new().dispatch(Kernel { $($argument,)* lifetime: std::marker::PhantomData });
        }
    };
}

pub(super) use vectorised;
