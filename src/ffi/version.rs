//! Which library this is.

use crate::ffi::boundary::guard_in_any_process;
use crate::ffi::boundary::out;
use crate::ffi::boundary::text_out;
use crate::ffi::error::ons_error;
use crate::ffi::error::ons_status;
use std::ffi::c_char;

/// Grows when the ABI does; nothing is ever taken away from it.
const ABI_VERSION: i32 = 3;

/// Lends the library's version, such as "0.1.0"; valid as long as the library is loaded.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_version(
    version_out: *mut *const c_char,
    version_len_out: *mut usize,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard_in_any_process(error_out, || {
        // SAFETY: the contract of include/README.md.
        let version = unsafe { text_out(version_out, "version_out", version_len_out, "version_len_out")? };
        version.set(env!("CARGO_PKG_VERSION"));
        Ok(())
    })
}

/// Writes the version of this C ABI: 3. It grows with every addition; a program built against version N runs with
/// every library of version N or above.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ons_abi_version(
    version_out: *mut i32,
    error_out: *mut *mut ons_error,
) -> ons_status {
    guard_in_any_process(error_out, || {
        // SAFETY: the contract of include/README.md.
        let version = unsafe { out(version_out, "version_out")? };
        version.set(ABI_VERSION);
        Ok(())
    })
}
