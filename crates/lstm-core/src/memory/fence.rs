//! Memory that nobody may touch, as far as `AddressSanitizer` is told. It knows the ends of allocations by itself; an
//! arena is one allocation with many regions, and cache lines are rarely full, so without fences it would not see one
//! region's kernel read the next.
//!
//! Only `npm run verify` sets `cfg(address_sanitizer)`, together with `-Zsanitizer=address`; anywhere else there are no
//! fences, and nothing here does anything.

#[cfg(address_sanitizer)]
mod interface {
    #[cfg(test)]
    use std::ffi::c_int;
    use std::ffi::c_void;

    // LLVM's `sanitizer/asan_interface.h`.
    unsafe extern "C" {
        pub(super) safe fn __asan_poison_memory_region(start: *const c_void, bytes: usize);
        pub(super) safe fn __asan_unpoison_memory_region(start: *const c_void, bytes: usize);
        #[cfg(test)]
        pub(super) safe fn __asan_address_is_poisoned(start: *const c_void) -> c_int;
    }
}

/// From now on, whoever reads or writes one of these values ends the process with a report.
#[cfg_attr(not(address_sanitizer), inline(always), expect(unused_variables, reason = "there are no fences"))]
pub(super) fn forbid(values: &[f32]) {
    #[cfg(address_sanitizer)]
    interface::__asan_poison_memory_region(values.as_ptr().cast(), size_of_val(values));
}

/// From now on, these values may be used.
#[cfg_attr(not(address_sanitizer), inline(always), expect(unused_variables, reason = "there are no fences"))]
pub(super) fn allow(values: &[f32]) {
    #[cfg(address_sanitizer)]
    interface::__asan_unpoison_memory_region(values.as_ptr().cast(), size_of_val(values));
}

/// Whether a value is forbidden.
#[cfg(all(test, address_sanitizer))]
pub(super) fn is_forbidden(value: *const f32) -> bool {
    interface::__asan_address_is_poisoned(value.cast()) != 0
}
