//! Prefetches memory before it is needed.

/// The distance in bytes by which a kernel prefetches. Processors follow a stream by themselves, but stop at the end
/// of each page of 4096 bytes. With this distance the next page is on its way when the kernel reaches it.
pub(crate) const AHEAD: usize = 2048;

/// The number of bytes of a cache line, which a processor moves at a time.
const LINE: usize = 64;

/// Prefetches the cache line [`AHEAD`] of the start of `block`, and the lines after it for the length of `block`.
/// Changes nothing but time.
#[inline(always)]
pub(crate) fn ahead<T>(block: &[T]) {
    prefetch(block.as_ptr().cast::<i8>().wrapping_add(AHEAD), size_of_val(block));
}

/// Prefetches the cache lines of `block`. Changes nothing but time.
#[inline(always)]
pub(crate) fn fetch<T>(block: &[T]) {
    // The block may begin anywhere in its first line.
    prefetch(block.as_ptr().cast(), size_of_val(block) + LINE - 1);
}

#[inline(always)]
fn prefetch(from: *const i8, bytes: usize) {
    #[cfg(target_arch = "x86_64")]
    for line in (0..bytes).step_by(LINE) {
        let address = from.wrapping_add(line);
        // SAFETY: a prefetch reads nothing and cannot fault, whatever the address; the pointer is never dereferenced,
        // and `wrapping_add` may leave its allocation.
        #[expect(unsafe_code, reason = "there is no safe prefetch")]
        unsafe {
            core::arch::x86_64::_mm_prefetch::<{ core::arch::x86_64::_MM_HINT_T0 }>(address);
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (from, bytes, LINE);
}
