//! The version of `nxt_version.h` and the build facts of `nxt_auto_config.h` that belong to the ABI.

/// The version as text; an application must present exactly this text in `NXT_UNIT_INIT`.
pub const NXT_VERSION: &str = "1.35.0";
/// The version as a number; the first word of a module's compatibility array.
pub const NXT_VERNUM: u32 = 13500;
/// Whether this is the debug ABI; the second word of a module's compatibility array.
pub const NXT_DEBUG: u32 = 0;
/// The name and version that the `Server` field carries.
pub const NXT_SERVER: &str = "Unit/1.35.0";

/// What `NXT_DEBUG` is in this build: the feature `debug` makes it the debug ABI.
pub(crate) const DEBUG_ABI: u32 = cfg!(feature = "debug") as u32;
