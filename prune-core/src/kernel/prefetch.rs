//! Asking for memory before it is needed.

/// How far ahead a kernel asks, in bytes. Processors follow a stream by themselves, but stop at the end of each page of
/// 4096 bytes; this far ahead the next page is under way when the kernel comes to it.
pub(crate) const AHEAD: usize = 2048;

/// Asks for the cache line [`AHEAD`] of `block`'s beginning, and for those after it that `block` is long. Changes nothing
/// but time.
#[inline(always)]
pub(crate) fn ahead<T>(block: &[T]) {
    #[cfg(target_arch = "x86_64")]
    for line in (0..size_of_val(block)).step_by(64) {
        let address = block.as_ptr().cast::<i8>().wrapping_add(AHEAD + line);
        // SAFETY: a prefetch reads nothing and cannot fault, whatever the address; the pointer is never dereferenced,
        // and `wrapping_add` may leave its allocation.
        #[expect(unsafe_code, reason = "there is no safe prefetch")]
        unsafe {
            core::arch::x86_64::_mm_prefetch::<{ core::arch::x86_64::_MM_HINT_T0 }>(address);
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = block;
}
